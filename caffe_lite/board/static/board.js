// The page: the list of runs, the tabs, and a look for what is new every second.
import { ask, byId, colorOf, element, post, state, tell, token } from "./common.js";
import * as curves from "./curves.js";
import * as log from "./log.js";
import * as net from "./net.js";
import * as pictures from "./pictures.js";

const VIEWS = { curves, net, log, pictures };
const MOST_AT_FIRST = 50;
const known = new Map(); // colours by run
let listKey = "";

function describe(run) {
  const part = run.max_iter ? ` of ${run.max_iter.toLocaleString()}` : "";
  const notes = [`${run.state}, iteration ${run.iteration.toLocaleString()}${part}`];
  if (run.problem) notes.push(run.problem);
  if (run.badLines) notes.push(`${run.badLines} lines of its log are not events`);
  return notes.join("; ");
}

async function askRun(run, what) {
  if (what === "stop" && !confirm(`Stop "${run.name}" after this iteration, with a snapshot?`)) return;
  try {
    await post("/api/ask", { run: run.name, what });
    tell("");
  } catch (error) {
    tell(error.message);
  }
}

function item(run) {
  const box = element("input", { type: "checkbox", checked: state.shown.has(run.name) });
  box.setAttribute("aria-label", `Show the curves of ${run.name}`);
  box.addEventListener("input", () => {
    if (box.checked) state.shown.add(run.name);
    else state.shown.delete(run.name);
    refreshView();
  });
  const swatch = element("span", { className: "swatch" });
  swatch.style.background = run.color;
  const name = element("button", { className: "name" }, run.name === "." ? "(this folder)" : run.name);
  name.addEventListener("click", () => {
    state.chosen = run.name;
    listKey = "";
    listRuns();
    refreshView();
  });
  const bad = ["killed", "NaN"].includes(run.state) || run.badLines;
  const made = element("li", {}, element("label", {}, box, swatch, name),
    element("span", { className: bad ? "state bad" : "state" }, describe(run)));
  made.dataset.name = run.name;
  if (run.name === state.chosen) made.setAttribute("aria-current", "true");
  if (token && ["running", "NaN"].includes(run.state)) {
    const buttons = ["stop", "snapshot"].map((what) => {
      const button = element("button", {}, what);
      button.addEventListener("click", () => askRun(run, what));
      return button;
    });
    made.append(element("div", { className: "asks" }, ...buttons));
  }
  return made;
}

function listRuns() {
  const wanted = byId("find-run").value.trim().toLowerCase();
  const runs = state.runs.filter((run) => run.name.toLowerCase().includes(wanted));
  const key = JSON.stringify([runs.map((run) => [run.name, describe(run)]), state.chosen]);
  if (key === listKey) return;
  listKey = key;
  const focused = document.activeElement, within = focused.closest("#runs li");
  const controls = (of) => [...of.querySelectorAll("input, button")];
  const place = within && [within.dataset.name, controls(within).indexOf(focused)];
  byId("runs").replaceChildren(...runs.map(item));
  if (place) { // the keyboard stays where it was
    const same = [...document.querySelectorAll("#runs li")].find((each) => each.dataset.name === place[0]);
    if (same) controls(same)[place[1]]?.focus();
  }
  if (!state.runs.length) {
    byId("runs").append(element("li", { className: "hint" },
      "No runs yet: train with --log-dir and a folder below this one."));
  }
}

async function refreshRuns() {
  const { root, runs } = await ask("/api/runs");
  byId("root").textContent = root;
  for (const run of runs) {
    if (!known.has(run.name)) {
      if (known.size < MOST_AT_FIRST) state.shown.add(run.name);
      known.set(run.name, colorOf(known.size));
    }
    run.color = known.get(run.name);
  }
  state.runs = runs;
  if (!runs.some((run) => run.name === state.chosen)) {
    state.chosen = runs.length ? runs[runs.length - 1].name : null;
  }
  listRuns();
}

const refreshView = () => VIEWS[state.view].refresh().catch((error) => tell(error.message));

function show(view) {
  state.view = view;
  for (const name of Object.keys(VIEWS)) {
    byId(name).hidden = name !== view;
    byId(`tab-${name}`).setAttribute("aria-selected", String(name === view));
    byId(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
  refreshView();
}

async function follow() {
  try {
    await refreshRuns();
    await VIEWS[state.view].refresh();
    if (byId("message").dataset.lost) {
      delete byId("message").dataset.lost;
      tell("");
    }
  } catch (error) {
    byId("message").dataset.lost = "true";
    tell(`The board does not answer: ${error.message}`);
  }
  setTimeout(follow, 1000);
}

const names = Object.keys(VIEWS);
names.forEach((name, i) => {
  const tab = byId(`tab-${name}`);
  tab.addEventListener("click", () => show(name));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const other = names[(i + step + names.length) % names.length];
    show(other);
    byId(`tab-${other}`).focus();
  });
});
byId("find-run").addEventListener("input", () => { listKey = ""; listRuns(); });
show("curves");
follow();
