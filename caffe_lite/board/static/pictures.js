// The view of the pictures in a run's folder.
import { ask, byId, element, state } from "./common.js";

let shown = "";

export async function refresh() {
  if (state.chosen === null) return;
  const names = await ask("/api/pictures", { run: state.chosen });
  const key = JSON.stringify([state.chosen, names]);
  if (key === shown) return;
  shown = key;
  byId("picture-list").replaceChildren(...names.flatMap((name) => {
    const address = `/api/picture?${new URLSearchParams({ run: state.chosen, name })}`;
    return [element("h3", {}, name), element("img", { src: address, alt: name, loading: "lazy" })];
  }));
  if (!names.length) byId("picture-list").append("There are none yet.");
}
