// An image of the user's through the net of the chosen run: its outputs, and activations by layer.
import { ask, byId, element, post, state, tell } from "./common.js";
import { picture } from "./tiles.js";

let tried = null; // the run that the last image went through

export function forget() {
  tried = null;
  byId("outputs").replaceChildren();
  byId("image").value = "";
}

export async function activations(layer) {
  if (tried === null || tried !== state.chosen) return [];
  const tops = await ask("/api/activations", { run: tried, layer });
  return tops.flatMap(({ name, of, shape: [count, height, width], values }) => {
    const plane = height * width;
    const tiles = Array.from({ length: count }, (_, k) => [values.slice(k * plane, (k + 1) * plane)]);
    const title = `${name} (${of.join("x")}) for the image`;
    return [element("h3", {}, title), picture(tiles, width, height, Math.ceil(Math.sqrt(count)))];
  });
}

function best({ name, best: rows }) {
  const list = element("ol", {}, ...rows.map(([label, score]) => element("li", {}, `${label}: ${score}`)));
  return element("div", {}, element("h3", {}, name), list);
}

// Boxes of DetectionOutput, in parts of the image, drawn on it.
function boxes(found, url) {
  const image = new Image(), canvas = element("canvas", { className: "found" });
  image.onload = () => {
    const scale = Math.min(1, 480 / image.width), context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [image.width * scale, image.height * scale];
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    context.lineWidth = 2;
    context.font = "13px sans-serif";
    for (const [label, score, x1, y1, x2, y2] of found.filter((box) => box[1] >= 0.3)) {
      context.strokeStyle = context.fillStyle = `hsl(${(label * 67) % 360} 90% 50%)`;
      const [left, top] = [x1 * canvas.width, y1 * canvas.height];
      context.strokeRect(left, top, (x2 - x1) * canvas.width, (y2 - y1) * canvas.height);
      context.fillText(`${label}: ${score}`, left + 3, Math.max(12, top - 4));
    }
    URL.revokeObjectURL(url);
  };
  image.src = url;
  return canvas;
}

byId("image").addEventListener("change", async () => {
  const [file] = byId("image").files;
  if (!file || state.chosen === null) return;
  try {
    const { outputs, snapshot } = await post("/api/image", { run: state.chosen }, file);
    tried = state.chosen;
    const shown = outputs.map((output) => {
      if (output.boxes) return boxes(output.boxes, URL.createObjectURL(file));
      return output.best ? best(output) : element("p", {}, `${output.name}: ${output.shape.join("x")}`);
    });
    byId("outputs").replaceChildren(element("p", { className: "hint" },
      `With the weights of ${snapshot}. Choose a layer for its activations.`), ...shown);
    byId("image").dispatchEvent(new Event("trial"));
    tell("");
  } catch (error) {
    tell(error.message);
  }
});
