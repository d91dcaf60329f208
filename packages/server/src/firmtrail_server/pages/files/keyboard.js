// Keys: "/" searches, "[" and "]" step through time, "n" is now. And what a bar of a timeline says, under the timeline.

import { move } from "./time_bar.js";

const STEPS = { "[": -10, "]": 10, n: Number.MAX_SAFE_INTEGER };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("[data-search]")?.focus();
  } else if (STEPS[event.key]) move(STEPS[event.key]);
});

function tell(event) {
  const bar = event.target.closest?.("[data-tip]");
  const readout = bar?.closest("figure").querySelector(".readout");
  if (readout && readout.value !== bar.dataset.tip) readout.value = bar.dataset.tip;
}

document.addEventListener("focusin", tell);
document.addEventListener("pointerover", tell);
