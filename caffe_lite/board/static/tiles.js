// Small pictures side by side on one canvas.
import { element } from "./common.js";

const GAP = 1, WIDEST = 380;

// `tiles` are lists of one plane (grey) or three (red, green, blue) of width * height numbers; one
// scale for all, with 0 in the middle.
export function picture(tiles, width, height, across) {
  const canvas = element("canvas", { className: "tiles" });
  const down = Math.ceil(tiles.length / across);
  canvas.width = across * (width + GAP);
  canvas.height = down * (height + GAP);
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  let largest = 1e-12;
  for (const planes of tiles) for (const plane of planes) {
    for (const value of plane) largest = Math.max(largest, Math.abs(value));
  }
  const byte = (value) => Math.round(127.5 * (1 + value / largest));
  tiles.forEach((planes, i) => {
    const left = (i % across) * (width + GAP), top = Math.floor(i / across) * (height + GAP);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const values = planes.map((plane) => byte(plane[y * width + x]));
        const at = 4 * ((top + y) * canvas.width + left + x);
        image.data.set([...(values.length === 3 ? values : [values[0], values[0], values[0]]), 255], at);
      }
    }
  });
  context.putImageData(image, 0, 0);
  canvas.style.width = `${canvas.width * Math.max(1, Math.min(8, Math.floor(WIDEST / canvas.width)))}px`;
  return canvas;
}
