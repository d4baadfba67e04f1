// The view of a net: its graph, and what there is to know of the layer that is chosen.
import { ask, byId, element, state, tell } from "./common.js";
import { picture } from "./tiles.js";
import { activations, forget } from "./trial.js";

const BOX = { width: 170, height: 36, across: 195, down: 62, margin: 14 };
const NS = "http://www.w3.org/2000/svg";
let shown = "", zoom = 1, graph = null, chosen = null;

function svg(tag, attributes, text) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Rows in order of execution. A layer continues the lane of the layer whose top it takes, if no other
// has done so; a branch gets a lane of its own, which is free again after its last consumer.
export function place(nodes) {
  const maker = {}, lastUse = {}, busyUntil = [], lanes = [], edges = [], continued = new Set();
  nodes.forEach((node, i) => {
    for (const blob of node.bottoms) {
      if (blob in maker) lastUse[maker[blob]] = i;
    }
    for (const blob of Object.keys(node.tops)) maker[blob] = i;
  });
  const made = {};
  nodes.forEach((node, i) => {
    const from = node.bottoms.filter((blob) => blob in made).map((blob) => ({ blob, at: made[blob] }));
    const straight = from.find(({ at }) => !continued.has(at));
    let lane = straight ? lanes[straight.at] : busyUntil.findIndex((until) => until < i);
    if (straight) continued.add(straight.at);
    if (lane < 0) lane = busyUntil.length;
    lanes[i] = lane;
    busyUntil[lane] = Math.max(lastUse[i] ?? i, busyUntil[lane] ?? 0);
    for (const { blob, at } of from) edges.push({ blob, from: at, to: i });
    for (const blob of Object.keys(node.tops)) made[blob] = i;
  });
  return { lanes, edges, width: busyUntil.length };
}

function draw() {
  const { nodes } = graph, { lanes, edges, width } = place(nodes);
  const full = [width * BOX.across + 2 * BOX.margin, nodes.length * BOX.down + BOX.margin];
  const picture = svg("svg", { viewBox: `0 0 ${full[0]} ${full[1]}`, width: full[0] * zoom, height: full[1] * zoom,
    role: "group", "aria-label": `${nodes.length} layers` });
  const x = (i) => BOX.margin + lanes[i] * BOX.across, y = (i) => BOX.margin + i * BOX.down;
  for (const { blob, from, to } of edges) {
    const a = [x(from) + BOX.width / 2, y(from) + BOX.height], b = [x(to) + BOX.width / 2, y(to)];
    const bend = Math.max(14, (b[1] - a[1]) / 2);
    picture.append(svg("path", { d: `M${a} C${a[0]},${a[1] + bend} ${b[0]},${b[1] - bend} ${b}` }));
    if (to === from + 1 || lanes[to] !== lanes[from]) {
      const shape = nodes[from].tops[blob].join("x") || "scalar";
      picture.append(svg("text", { x: b[0] + 5, y: b[1] - 8, class: "soft" }, `${blob} ${shape}`));
    }
  }
  nodes.forEach((node, i) => {
    const group = svg("g", { tabindex: 0, role: "button", "aria-label": `${node.name}, ${node.type}` });
    const notes = [node.type, node.inPlace.length ? "in place" : "", node.shared ? "shared" : ""];
    group.dataset.name = node.name;
    group.append(
      svg("rect", { x: x(i), y: y(i), width: BOX.width, height: BOX.height, rx: 4 }),
      svg("text", { x: x(i) + 8, y: y(i) + 15 }, short(node.name)),
      svg("text", { x: x(i) + 8, y: y(i) + 29, class: "soft" }, notes.filter(Boolean).join(", ")),
      svg("title", {}, describe(node)),
    );
    group.addEventListener("click", () => choose(node.name));
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        choose(node.name);
        event.preventDefault();
      }
    });
    picture.append(group);
  });
  byId("graph").replaceChildren(picture);
  mark();
}

const short = (text) => (text.length > 24 ? text.slice(0, 22) + "…" : text);

function describe(node) {
  const tops = Object.entries(node.tops).map(([name, shape]) => `${name} ${shape.join("x") || "scalar"}`);
  return `${node.name} (${node.type})\ntops: ${tops.join(", ")}\n` +
    `${(node.parameters ?? 0).toLocaleString()} parameters, ` +
    `${(node.multiplyAdds ?? 0).toLocaleString()} multiply-adds`;
}

function mark() {
  const wanted = byId("find-layer").value.trim().toLowerCase();
  document.querySelectorAll("#graph g[tabindex]").forEach((group, i) => {
    const node = graph.nodes[i], text = `${node.name} ${node.type}`.toLowerCase();
    group.classList.toggle("faint", Boolean(wanted) && !text.includes(wanted));
    group.classList.toggle("chosen", node.name === chosen);
  });
}

async function choose(name) {
  chosen = name;
  mark();
  try {
    showLayer(await ask("/api/layer", { run: state.chosen, layer: name }), await activations(name));
  } catch (error) {
    byId("layer").replaceChildren(element("p", {}, error.message));
  }
}

function showLayer(layer, maps) {
  const parts = [element("h2", {}, `${layer.name} (${layer.type})`), ...maps,
    element("pre", {}, layer.prototxt)];
  if (layer.filters) parts.push(...filters(layer.filters));
  const blobs = [...new Set(layer.histograms.flatMap((each) => Object.keys(each.blobs)))].sort();
  for (const blob of blobs) {
    for (const side of ["data", "diff"]) parts.push(...histograms(layer.histograms, blob, side));
  }
  if (layer.page) parts.push(element("details", {}, element("summary", {}, "About this type"),
    element("pre", {}, layer.page)));
  byId("layer").replaceChildren(...parts);
}

// Filters of one channel in grey, those of three in colour (B, G, R as Caffe has them), side by side;
// of others a row for each filter, with its channels.
function filters({ snapshot, shape: [count, channels, height, width], values }) {
  const title = `${count} filters of ${channels}x${height}x${width}, from ${snapshot}`;
  const size = channels * height * width, plane = height * width;
  const of = (k, c) => values.slice(k * size + c * plane, k * size + (c + 1) * plane);
  const whole = channels === 1 || channels === 3;
  const tiles = whole
    ? Array.from({ length: count }, (_, k) => (channels === 3 ? [of(k, 2), of(k, 1), of(k, 0)] : [of(k, 0)]))
    : Array.from({ length: count * channels }, (_, i) => [of(Math.floor(i / channels), i % channels)]);
  const across = whole ? Math.ceil(Math.sqrt(count)) : channels;
  return [element("h3", {}, title), picture(tiles, width, height, across)];
}

// Histograms over time: a column for each iteration, darker where more numbers are.
function histograms(events, blob, side) {
  const found = events.map((each) => ({ iteration: each.iteration, at: each.blobs[blob]?.[side] }))
    .filter(({ at }) => at);
  if (!found.length) return [];
  const low = Math.min(...found.map(({ at }) => at[0])), high = Math.max(...found.map(({ at }) => at[1]));
  const width = 360, height = 90, column = width / found.length;
  const picture = svg("svg", { width, height: height + 16, role: "img",
    "aria-label": `${blob}, ${side}: histograms from ${low.toPrecision(3)} to ${high.toPrecision(3)}` });
  found.forEach(({ iteration, at: [first, last, counts] }, k) => {
    const most = Math.max(...counts, 1), span = high - low || 1;
    counts.forEach((count, bin) => {
      if (!count) return;
      const from = first + ((last - first) * bin) / counts.length;
      const tall = Math.max(1, (height * (last - first)) / counts.length / span);
      const top = height - (height * (from - low)) / span - tall;
      const box = svg("rect", { x: k * column, y: top, width: column + 0.5, height: tall + 0.5,
        style: `fill: var(--mark); stroke: none; opacity: ${Math.sqrt(count / most)}` });
      box.append(svg("title", {}, `iteration ${iteration}: ${count} from ${from.toPrecision(3)}`));
      picture.append(box);
    });
  });
  picture.append(svg("text", { x: 0, y: height + 13, class: "soft" },
    `${found[0].iteration} … ${found[found.length - 1].iteration}`));
  const range = `${low.toPrecision(3)} … ${high.toPrecision(3)}`;
  return [element("h3", {}, `${blob}, ${side === "diff" ? "gradient" : "weights"} (${range})`), picture];
}

export async function refresh() {
  const key = `${state.chosen} ${byId("phase").value}`;
  if (key === shown || state.chosen === null) return;
  shown = key;
  chosen = null;
  forget();
  byId("layer").replaceChildren(element("p", { className: "hint" }, "Choose a layer."));
  try {
    graph = await ask("/api/net", { run: state.chosen, phase: byId("phase").value });
    draw();
  } catch (error) {
    graph = null;
    byId("graph").replaceChildren(element("p", { className: "hint" }, error.message));
  }
}

byId("image").addEventListener("trial", () => chosen !== null && choose(chosen));
byId("phase").addEventListener("input", () => refresh().catch((error) => tell(error.message)));
byId("find-layer").addEventListener("input", () => graph && mark());
for (const [id, factor] of [["zoom-in", 1.25], ["zoom-out", 0.8]]) {
  byId(id).addEventListener("click", () => {
    zoom = Math.max(0.2, Math.min(4, zoom * factor));
    if (graph) draw();
  });
}
