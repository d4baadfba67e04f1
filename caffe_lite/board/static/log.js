// The view of a run's text log, which follows its end.
import { ask, byId, state } from "./common.js";

const MOST = 2_000_000; // characters kept
let shown = null, next = 0, text = "";

function show() {
  const wanted = byId("filter-log").value;
  const lines = wanted ? text.split("\n").filter((line) => line.includes(wanted)).join("\n") : text;
  const box = byId("log-text");
  if (box.textContent !== lines) box.textContent = lines || "This run has no text log.";
  if (byId("follow").checked) box.scrollTop = box.scrollHeight;
}

export async function refresh() {
  if (state.chosen === null) return;
  if (shown !== state.chosen) [shown, next, text] = [state.chosen, 0, ""];
  const answer = await ask("/api/log", { run: shown, from: next });
  if (answer.from !== next) text = "";
  next = answer.next;
  text = (text + answer.text).slice(-MOST);
  show();
}

byId("filter-log").addEventListener("input", show);
byId("follow").addEventListener("input", show);
