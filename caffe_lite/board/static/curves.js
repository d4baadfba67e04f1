// The view of curves: a chart for each quantity, with a line for each run that is shown.
import { ask, byId, colorOf, download, element, state } from "./common.js";

const charts = new Map(); // by name of the curve
let answers = {};
let lastKey = "";

const FIRST = ["train loss", "test loss"];
const LAST = ["learning rate", "gradient norm"];

function rank(name) {
  if (FIRST.includes(name)) return FIRST.indexOf(name);
  if (LAST.includes(name)) return 1000 + LAST.indexOf(name);
  return name.startsWith("test: ") ? 10 : 500;
}

// An exponential mean, corrected for its start, as long as `weight` of a value is kept.
function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0, norm = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return mean / norm;
  });
}

function tables(name, runs) {
  const seconds = byId("x-axis").value === "seconds", logX = byId("log-x").checked;
  const logY = byId("log-y").checked, weight = Number(byId("smooth").value) / 100;
  return runs.map((run) => {
    const [iterations, times, values] = answers[run.name]?.[name] || [[], [], []];
    const xs = seconds ? times : iterations;
    let ys = smoothed(values, weight);
    if (logY) ys = ys.map((y) => (y > 0 ? y : null));
    // uPlot joins by x, which has to rise: a resumed run may repeat a time.
    const kept = xs.map((x, i) => i).filter((i) => (!logX || xs[i] > 0) && (i === 0 || xs[i] > xs[i - 1]));
    return [kept.map((i) => xs[i]), kept.map((i) => ys[i])];
  });
}

function options(name, runs, width) {
  const style = getComputedStyle(document.body);
  const soft = style.getPropertyValue("--soft"), line = style.getPropertyValue("--line");
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return {
    width, height: 260,
    scales: {
      x: { time: false, distr: byId("log-x").checked ? 3 : 1 },
      y: { distr: byId("log-y").checked ? 3 : 1 },
    },
    axes: [axis, { ...axis, size: 64 }],
    series: [{ label: byId("x-axis").value }, ...runs.map((run) => ({
      label: run.name, stroke: run.color, width: 1.5, spanGaps: true, points: { show: false },
      value: (_, value) => (value === null || value === undefined ? "" : value.toPrecision(5)),
    }))],
    legend: { show: runs.length <= 12 },
  };
}

function card(name) {
  const holder = element("div", { className: "plot" });
  const head = element("div", { className: "head" }, element("h2", {}, name));
  const made = { root: element("div", { className: "chart" }, head, holder), holder, plot: null, key: "" };
  const files = { PNG: () => savePng(name, made), SVG: () => saveSvg(name, made), CSV: () => saveCsv(name) };
  for (const [kind, save] of Object.entries(files)) {
    const button = element("button", { title: `Download as ${kind}` }, kind);
    button.addEventListener("click", save);
    head.append(button);
  }
  return made;
}

function draw(name, runs) {
  let made = charts.get(name);
  if (!made) charts.set(name, (made = card(name)));
  const kept = runs.filter((run) => answers[run.name]?.[name]);
  const key = JSON.stringify([kept.map((run) => run.name), byId("log-x").checked,
    byId("log-y").checked, byId("x-axis").value]);
  const data = uPlot.join(tables(name, kept).map((table) => (table[0].length ? table : [[], []])));
  if (made.plot && made.key === key) {
    const { min, max } = made.plot.scales.x, [first, last] = made.whole;
    const zoomed = min > first || max < last;
    made.plot.setData(data, !zoomed);
    if (zoomed) made.plot.redraw();
  } else {
    if (made.plot) made.plot.destroy();
    const width = Math.max(240, made.holder.clientWidth || 480);
    made.plot = new uPlot(options(name, kept, width), data, made.holder);
    made.key = key;
  }
  made.whole = [data[0][0], data[0][data[0].length - 1]];
  return made.root;
}

export function redraw() {
  const runs = state.runs.filter((run) => state.shown.has(run.name));
  const names = [...new Set(runs.flatMap((run) => Object.keys(answers[run.name] || {})))];
  names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  for (const [name, made] of charts) {
    if (!names.includes(name)) {
      made.plot?.destroy();
      made.root.remove();
      charts.delete(name);
    }
  }
  for (const name of names) {
    const holder = charts.get(name);
    if (!holder) {
      const made = card(name);
      charts.set(name, made);
      byId("charts").append(made.root); // in the page before it is drawn, for its width
    }
    byId("charts").append(draw(name, runs));
  }
  if (!runs.length) byId("charts").dataset.empty = "true";
}

export async function refresh() {
  const shown = state.runs.filter((run) => state.shown.has(run.name));
  const key = JSON.stringify(shown.map((run) => [run.name, run.last, run.curves.length, run.iteration]));
  if (key === lastKey) return;
  lastKey = key;
  const points = Math.max(100, Math.min(1500, Math.floor(20000 / Math.max(1, shown.length))));
  answers = shown.length ? await ask("/api/curves", { run: shown.map((run) => run.name), points }) : {};
  redraw();
}

function fileName(name, kind) {
  return `${name.replace(/[^\w.-]+/g, "_")}.${kind}`;
}

function savePng(name, made) {
  const canvas = made.plot.root.querySelector("canvas");
  const copy = element("canvas", { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d");
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(canvas, 0, 0);
  copy.toBlob((blob) => download(fileName(name, "png"), blob));
}

function saveSvg(name, made) {
  const { plot } = made, { left, top, width, height } = plot.bbox, ratio = devicePixelRatio;
  const box = [left, top, width, height].map((v) => v / ratio);
  const escape = (text) => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const lines = plot.series.slice(1).map((series, k) => {
    const points = plot.data[0].map((x, i) => [x, plot.data[k + 1][i]])
      .filter(([x, y]) => y !== null && y !== undefined && x >= plot.scales.x.min && x <= plot.scales.x.max)
      .map(([x, y]) => [box[0] + plot.valToPos(x, "x"), box[1] + plot.valToPos(y, "y")]);
    const path = points.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" ");
    const color = state.runs.find((run) => run.name === series.label)?.color || "black";
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${path}"/>` +
      `<text x="${box[0] + 8}" y="${box[1] + 16 + 16 * k}" fill="${color}">${escape(series.label)}</text>`;
  });
  const labels = ["x", "y"].flatMap((axis) => [plot.scales[axis].min, plot.scales[axis].max].map((value) => {
    const at = plot.valToPos(value, axis);
    const [x, y] = axis === "x" ? [box[0] + at, box[1] + box[3] + 16] : [box[0] - 6, box[1] + at + 4];
    return `<text x="${x}" y="${y}" text-anchor="${axis === "x" ? "middle" : "end"}">` +
      `${Number(value.toPrecision(4))}</text>`;
  }));
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${plot.width}" height="${plot.height}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>` +
    `<rect x="${box[0]}" y="${box[1]}" width="${box[2]}" height="${box[3]}" fill="none" stroke="#ccc"/>` +
    `<text x="${box[0]}" y="${Math.max(12, box[1] - 4)}">${escape(name)}</text>` +
    `${lines.join("")}${labels.join("")}</svg>`;
  download(fileName(name, "svg"), new Blob([text], { type: "image/svg+xml" }));
}

async function saveCsv(name) {
  for (const run of state.runs.filter((each) => state.shown.has(each.name))) {
    if (!answers[run.name]?.[name]) continue;
    const answer = await fetch(`/api/csv?${new URLSearchParams({ run: run.name, curve: name })}`);
    download(fileName(`${run.name}-${name}`, "csv"), await answer.blob());
  }
}

for (const id of ["smooth", "log-y", "log-x", "x-axis"]) byId(id).addEventListener("input", redraw);
addEventListener("resize", () => {
  for (const made of charts.values()) {
    made.plot?.setSize({ width: Math.max(240, made.holder.clientWidth), height: 260 });
  }
});
