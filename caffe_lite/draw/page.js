"use strict";
const content = JSON.parse(document.getElementById("content").textContent);
const view = document.getElementById("view");
const svg = view.querySelector("svg");
const boxes = [...svg.querySelectorAll(".box")];
const size = { width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
let scale = 1, x = 0, y = 0, chosen = -1, hits = [], hit = -1;

function place() {
  svg.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

function zoom(factor, atX, atY) {
  const next = Math.min(Math.max(scale * factor, 0.02), 8);
  x = atX - (atX - x) * next / scale;
  y = atY - (atY - y) * next / scale;
  scale = next;
  place();
}

function zoomMiddle(factor) {
  zoom(factor, view.clientWidth / 2, view.clientHeight / 2);
}

function fit() {
  scale = Math.min(view.clientWidth / size.width, view.clientHeight / size.height, 1);
  x = (view.clientWidth - size.width * scale) / 2;
  y = Math.max((view.clientHeight - size.height * scale) / 2, 0);
  place();
}

function start() {
  scale = Math.min(view.clientWidth / size.width, 1);
  x = (view.clientWidth - size.width * scale) / 2;
  y = 0;
  place();
}

function show(part) {
  const layer = content.layers[part];
  chosen = part;
  for (const box of boxes) box.classList.toggle("chosen", +box.dataset.part === part);
  document.getElementById("name").textContent = layer.name;
  const only = layer.only ? `, in phase ${layer.only} only` : "";
  document.getElementById("kind").textContent = `${layer.type} ${layer.facts}${only}`;
  const list = document.getElementById("blobs");
  list.replaceChildren();
  const shares = Object.entries(layer.shares).map(([name, owner]) => `${name}, of layer ${owner}`);
  for (const [title, values] of [["takes", layer.bottoms], ["makes", layer.tops],
                                 ["shares", shares]]) {
    for (const value of values) {
      const term = document.createElement("dt"), text = document.createElement("dd");
      term.textContent = title;
      text.textContent = value;
      list.append(term, text);
    }
  }
  document.getElementById("prototxt").textContent = layer.prototxt;
  document.getElementById("docs").textContent = content.docs[layer.type];
  document.getElementById("side").hidden = false;
  document.getElementById("side").scrollTop = 0;
}

function hide() {
  chosen = -1;
  document.getElementById("side").hidden = true;
  for (const box of boxes) box.classList.remove("chosen");
}

function centre(part) {
  const rect = boxes.find(box => +box.dataset.part === part).querySelector("rect");
  const at = name => +rect.getAttribute(name);
  scale = Math.max(scale, 0.7);
  x = view.clientWidth / 2 - (at("x") + at("width") / 2) * scale;
  y = view.clientHeight / 2 - (at("y") + at("height") / 2) * scale;
  place();
}

function search(text) {
  const wanted = text.trim().toLowerCase();
  hits = [];
  hit = -1;
  content.layers.forEach((layer, i) => {
    const words = [layer.name, layer.type, ...layer.bottoms, ...layer.tops].join("\n").toLowerCase();
    if (wanted && words.includes(wanted)) hits.push(i);
  });
  for (const box of boxes) {
    const found = hits.includes(+box.dataset.part);
    box.classList.toggle("hit", found);
    box.classList.toggle("dim", wanted !== "" && !found);
  }
  document.getElementById("found").textContent = wanted ? `${hits.length} found` : "";
  if (hits.length) next(1);
}

function next(step) {
  if (!hits.length) return;
  hit = (hit + step + hits.length) % hits.length;
  document.getElementById("found").textContent = `${hit + 1} of ${hits.length}`;
  centre(hits[hit]);
}

let from = null, moved = false;
view.addEventListener("pointerdown", event => {
  from = { x: event.clientX - x, y: event.clientY - y };
  moved = false;
});
window.addEventListener("pointermove", event => {
  if (!from) return;
  const dx = event.clientX - from.x - x, dy = event.clientY - from.y - y;
  if (!moved && Math.hypot(dx, dy) < 4) return;
  moved = true;
  view.classList.add("moving");
  x = event.clientX - from.x;
  y = event.clientY - from.y;
  place();
});
window.addEventListener("pointerup", () => {
  from = null;
  view.classList.remove("moving");
});
view.addEventListener("wheel", event => {
  event.preventDefault();
  const box = view.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
view.addEventListener("click", event => {
  if (moved) return;
  const box = event.target.closest(".box");
  if (box) show(+box.dataset.part);
});
document.getElementById("close").addEventListener("click", hide);
document.getElementById("in").addEventListener("click", () => zoomMiddle(1.25));
document.getElementById("out").addEventListener("click", () => zoomMiddle(0.8));
document.getElementById("fit").addEventListener("click", fit);
const field = document.getElementById("search");
field.addEventListener("input", () => search(field.value));
field.addEventListener("keydown", event => {
  if (event.key === "Enter") {
    if (hit >= 0 && !event.shiftKey && chosen === hits[hit]) next(1);
    else if (event.shiftKey) next(-1);
    if (hit >= 0) show(hits[hit]);
  }
});
document.addEventListener("keydown", event => {
  if (event.key === "Escape") return hide();
  if (event.target === field) return;
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  if (moves[event.key]) {
    x += moves[event.key][0];
    y += moves[event.key][1];
    place();
    event.preventDefault();
  } else if (event.key === "+") zoomMiddle(1.25);
  else if (event.key === "-") zoomMiddle(0.8);
  else if (event.key === "0") fit();
  else if (event.key === "/") {
    field.focus();
    event.preventDefault();
  } else if ((event.key === "n" || event.key === "p") && chosen >= 0) {
    const step = event.key === "n" ? 1 : -1;
    const part = (chosen + step + content.layers.length) % content.layers.length;
    show(part);
    centre(part);
  }
});
start();
