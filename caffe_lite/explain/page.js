"use strict";
// Steps through what caffe_lite recorded. `arrays` holds every array as it is after the step shown:
// it is filled by applying the changes of all steps up to that one.

const content = JSON.parse(document.getElementById("content").textContent);
const byId = (id) => document.getElementById(id);
const MOST_WITH_TEXT = 80; // numbers of a grid that are written out in its cells
const WRONG = 1e-3; // a relative difference between backward and finite differences worth marking
let current = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function arraysAfter(last) {
  const arrays = {}, writtenAt = {}, checks = {};
  content.steps.slice(0, last + 1).forEach((step, i) => {
    for (const [key, array] of Object.entries(step.changes)) {
      arrays[key] = array;
      writtenAt[key] = i;
      checks[key] = step.checks[key];
    }
  });
  return { arrays, writtenAt, checks };
}

const format = (value) => (value === null ? "not finite" : String(Number(value.toPrecision(4))));

function shortly(value) {
  if (value === null) return "!";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size >= 1000 || size < 0.01) return value.toExponential(0);
  return value.toPrecision(2);
}

function differs(value, check, scale) {
  return check !== undefined && check !== null && value !== null &&
    Math.abs(value - check) > WRONG * Math.max(Math.abs(value), Math.abs(check), 0.05 * scale);
}

// How the axes of an array lie on the page: rows and columns of tiles, and rows and columns in each.
function layout(shape) {
  const dims = shape.length ? shape : [1];
  const inner = dims.slice(-2), outer = dims.slice(0, -2);
  if (dims.length === 1) return { outer: [1, 1], inner: [1, dims[0]] };
  if (dims.length === 2) return { outer: [1, 1], inner };
  const columns = outer[outer.length - 1];
  const rows = outer.slice(0, -1).reduce((a, b) => a * b, 1);
  return { outer: [rows, columns], inner };
}

function indexOf(position, shape) {
  const index = [];
  for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index.length ? "[" + index.join(", ") + "]" : "";
}

function grid(name, kind, array, check) {
  const { outer, inner } = layout(array.shape);
  const finite = array.values.filter((v) => v !== null);
  const scale = finite.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const withText = array.values.length <= MOST_WITH_TEXT;
  const box = element("div", "grid");
  box.tabIndex = 0;
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${kind} of ${name}, ${array.values.length} numbers`);
  box.style.setProperty("--size", withText ? "36px" : array.values.length > 600 ? "9px" : "15px");
  const cells = [];
  for (let r = 0; r < outer[0]; r++) {
    const row = element("div", "row");
    for (let c = 0; c < outer[1]; c++) {
      const tile = element("div", "tile");
      tile.style.gridTemplateColumns = `repeat(${inner[1]}, var(--size))`;
      for (let k = 0; k < inner[0] * inner[1]; k++) {
        const position = (r * outer[1] + c) * inner[0] * inner[1] + k;
        const value = array.values[position];
        const cell = element("div", "cell", withText ? shortly(value) : undefined);
        if (value === null) cell.classList.add("none");
        else if (scale > 0) {
          const side = value < 0 ? "--negative" : "--positive";
          cell.style.backgroundColor = `rgba(var(${side}), ${(0.75 * Math.abs(value)) / scale})`;
        }
        if (check && differs(value, check[position], scale)) cell.classList.add("wrong");
        cell.dataset.position = position;
        cells[position] = cell;
        tile.append(cell);
      }
      row.append(tile);
    }
    box.append(row);
  }
  let chosen = -1;
  function choose(position) {
    if (position < 0 || position >= cells.length) return;
    if (cells[chosen]) cells[chosen].classList.remove("chosen");
    chosen = position;
    cells[chosen].classList.add("chosen");
    tell(name, kind, array, check, chosen);
  }
  box.addEventListener("mouseover", (event) => {
    if (event.target.dataset.position !== undefined) choose(Number(event.target.dataset.position));
  });
  box.addEventListener("focus", () => choose(Math.max(chosen, 0)));
  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -inner[1], ArrowDown: inner[1] }[event.key];
    if (by === undefined) return;
    choose(chosen + by);
    event.preventDefault();
    event.stopPropagation();
  });
  return box;
}

function tell(name, kind, array, check, position) {
  const value = array.values[position];
  const entry = `${name}${indexOf(position, array.shape)}`;
  const goal = content.isLoss ? "loss" : "objective";
  if (kind !== "diff") {
    byId("readout").textContent = `${kind === "data" ? "" : kind + " of "}${entry} = ${format(value)}`;
    return;
  }
  let text = `d ${goal} / d ${entry} = ${format(value)} by backward`;
  if (check && check[position] !== null && value !== null) {
    const difference = Math.abs(check[position] - value);
    text += `, ${format(check[position])} by finite differences`;
    text += ` (difference ${difference.toExponential(0)})`;
    if (differs(value, check[position], 0)) {
      text += "; at a kink, or where a later layer overwrites data, the two may differ";
    }
  }
  byId("readout").textContent = text;
}

function figure(name, kind, state) {
  const array = state.arrays[`${kind} ${name}`];
  if (!array) return null;
  const made = element("figure");
  const caption = element("figcaption", "", `${name}${kind === "diff" ? ", diff" : ""} `);
  caption.append(element("span", "shape", `(${array.shape.join(", ")})`));
  if (state.writtenAt[`${kind} ${name}`] === current) {
    caption.append(" ", element("span", "written", "written"));
  }
  made.append(caption, grid(name, kind, array, state.checks[`${kind} ${name}`]));
  return made;
}

// Of a layer that works in place, the side that it reads is shown as it was before the step.
function showBlobs(step, after) {
  const before = arraysAfter(current - 1);
  const roles = [["bottoms", step.bottoms], ["parameters", step.params], ["tops", step.tops]];
  byId("blobs").replaceChildren();
  for (const [role, names] of roles) {
    const isRead = role === (step.backward ? "tops" : "bottoms");
    const figures = [...new Set(names)].flatMap((name) => {
      const inPlace = step.bottoms.includes(name) && step.tops.includes(name);
      const kinds = !step.backward ? ["data"] : inPlace && isRead ? ["diff"] : ["data", "diff"];
      const state = inPlace && isRead ? before : after;
      return kinds.map((kind) => figure(name, kind, state)).filter(Boolean);
    });
    if (!figures.length) continue;
    const row = element("div", "roles");
    row.append(...figures);
    byId("blobs").append(element("p", "role", role), row);
  }
}

const GATES = { i: "input gate i", f: "forget gate f", o: "output gate o", g: "candidate g", c: "cell c" };

function showTime(step) {
  const names = Object.keys(step.overTime);
  byId("time").hidden = !names.length;
  byId("gates").replaceChildren();
  if (!names.length) return;
  const [steps, streams, units] = step.overTime[names[0]].shape;
  const cont = arraysAfter(current).arrays[`data ${step.bottoms[1]}`];
  byId("gates").append(element("p", "role",
    `a row for each of ${streams} streams, a column for each of ${steps} steps, ${units} units down ` +
    "each column; a dashed line is where cont is 0 and a sequence begins"));
  const row = element("div", "roles");
  for (const name of names) {
    const made = element("figure");
    made.append(element("figcaption", "", GATES[name] || name));
    const values = step.overTime[name].values, box = element("div", "grid");
    const scale = values.reduce((most, v) => Math.max(most, Math.abs(v || 0)), 1e-9);
    box.style.setProperty("--size", "14px");
    for (let n = 0; n < streams; n++) {
      const line = element("div", "row");
      line.style.gap = "1px";
      for (let t = 0; t < steps; t++) {
        const tile = element("div", "tile");
        if (cont && cont.values[t * streams + n] === 0) tile.style.borderLeft = "2px dashed var(--mark)";
        for (let h = 0; h < units; h++) {
          const value = values[(t * streams + n) * units + h];
          const cell = element("div", "cell");
          const side = value < 0 ? "--negative" : "--positive";
          cell.style.backgroundColor = `rgba(var(${side}), ${(0.75 * Math.abs(value || 0)) / scale})`;
          cell.addEventListener("mouseover", () => {
            byId("readout").textContent =
              `${GATES[name] || name} at step ${t}, stream ${n}, unit ${h} = ${format(value)}`;
          });
          tile.append(cell);
        }
        line.append(tile);
      }
      box.append(line);
    }
    made.append(box);
    row.append(made);
  }
  byId("gates").append(row);
}

function showSource(step) {
  byId("source").replaceChildren();
  for (const part of step.source) {
    if (!part.lines.length) continue;
    const code = element("pre");
    part.lines.forEach((line, i) => {
      code.append(element("span", "number", String(part.first + i)), line + "\n");
    });
    byId("source").append(element("div", "file", `${part.file}, line ${part.first}`), code);
  }
  if (!byId("source").children.length) byId("source").textContent = "The source is not at hand.";
}

function show(index, focus) {
  current = Math.max(0, Math.min(content.steps.length - 1, index));
  const step = content.steps[current], layer = content.layers[step.layer];
  const state = arraysAfter(current);
  byId("heading").textContent = `${layer.name} (${layer.type}), ${step.backward ? "backward" : "forward"}`;
  byId("summary").textContent = layer.summary;
  byId("description").textContent = layer.description;
  byId("prototxt").textContent = layer.prototxt;
  byId("position").textContent = `${current + 1} of ${content.steps.length}`;
  showBlobs(step, state);
  showTime(step);
  showSource(step);
  for (const id of ["first", "previous"]) byId(id).disabled = current === 0;
  for (const id of ["last", "next"]) byId(id).disabled = current === content.steps.length - 1;
  document.querySelectorAll("nav button").forEach((button, i) => {
    if (i === current) {
      button.setAttribute("aria-current", "step");
      button.scrollIntoView({ block: "nearest" });
      if (focus) button.focus();
    } else button.removeAttribute("aria-current");
  });
  history.replaceState(null, "", `#${current + 1}`);
}

function begin() {
  byId("title").textContent = content.title;
  byId("objective").textContent =
    (content.isLoss ? "loss " : "objective (outputs times random numbers) ") + format(content.objective);
  content.steps.forEach((step, i) => {
    if (i === 0 || step.backward !== content.steps[i - 1].backward) {
      byId("steps").append(element("li", "turn", step.backward ? "backward" : "forward"));
    }
    const layer = content.layers[step.layer], item = element("li"), button = element("button", "", layer.name);
    button.append(" ", element("span", "type", layer.type));
    button.addEventListener("click", () => show(i));
    item.append(button);
    byId("steps").append(item);
  });
  const moves = { first: () => 0, previous: () => current - 1, next: () => current + 1,
    last: () => content.steps.length - 1 };
  for (const [id, to] of Object.entries(moves)) byId(id).addEventListener("click", () => show(to()));
  const keys = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last" };
  document.addEventListener("keydown", (event) => {
    if (keys[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
      show(moves[keys[event.key]]());
      event.preventDefault();
    }
  });
  show(Number(location.hash.slice(1)) - 1 || 0);
}

begin();
