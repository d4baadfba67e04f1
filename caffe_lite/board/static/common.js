// What the views share: requests, elements and the state of the page.

export const state = { runs: [], chosen: null, shown: new Set(), view: "curves" };

export const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";

const COLORS = ["#2456c8", "#d9480f", "#2b8a3e", "#9c36b5", "#e03131", "#0b7285", "#e67700", "#5f3dc4"];

export const colorOf = (index) =>
  index < COLORS.length ? COLORS[index] : `hsl(${(index * 137.5) % 360} 65% 50%)`;

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name === "className" ? "class" : name, value);
  }
  made.append(...children);
  return made;
}

export function tell(text) {
  byId("message").textContent = text;
  byId("message").hidden = !text;
}

export const post = (path, parameters, body) =>
  ask(path, parameters, { method: "POST", headers: { "X-Token": token }, body });

export async function ask(path, parameters = {}, options = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of [].concat(value)) query.append(name, each);
  }
  const answer = await fetch(`${path}?${query}`, options);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error || answer.statusText);
  return content;
}

export function download(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
