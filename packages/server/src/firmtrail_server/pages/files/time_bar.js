// The time bar: while the slider moves, everything below it shows what was true at that moment.

import { part, withParameter } from "./fetching.js";

const bar = document.getElementById("time");
const range = document.getElementById("time-range");
let running = new AbortController();
let timer = 0;

function moment(place) {
  if (place >= Number(range.max)) return "";
  const seconds = place * Number(bar.dataset.step);
  return new Date(Date.parse(bar.dataset.first) + seconds * 1000).toISOString().replace(".000Z", "Z");
}

function say(at) {
  const text = (at || new Date().toISOString()).slice(0, 16).replace("T", " ") + " UTC";
  document.getElementById("time-text").value = text;
  document.getElementById("time-text").previousElementSibling.textContent = at ? "As of" : "Now";
  document.getElementById("time-now").classList.toggle("on", !at);
  range.setAttribute("aria-valuetext", text);
  point();
}

// Where the bar stands, on the bar and on every chart.
function point() {
  const percent = `${(100 * range.value) / Number(range.max)}%`;
  document.getElementById("time-fill").setAttribute("width", percent);
  for (const line of document.querySelectorAll(".position")) {
    line.setAttribute("x1", percent);
    line.setAttribute("x2", percent);
  }
}

// The page's other links and forms stay at the moment that is shown.
function carry(at) {
  for (const link of document.querySelectorAll("a[data-at]")) {
    link.setAttribute("href", withParameter(link.getAttribute("href"), "at", at));
  }
  for (const field of document.querySelectorAll("input[data-at]")) field.value = at;
  bar.querySelector("input[type=date]").value = at.slice(0, 10);
}

export async function show(at) {
  running.abort();
  running = new AbortController();
  const path = withParameter(bar.dataset.path, "at", at);
  const state = document.getElementById("state");
  state.classList.add("loading");
  try {
    const fresh = await part(withParameter(path, "part", "state"), "state", running.signal);
    if (fresh) document.getElementById("state").replaceWith(fresh);
    history.replaceState(null, "", path);
    carry(at);
    document.dispatchEvent(new CustomEvent("shown"));
  } catch (error) {
    if (error.name !== "AbortError") state.classList.remove("loading");
  }
}

export function move(places) {
  if (!range) return;
  range.value = Number(range.value) + places;
  range.dispatchEvent(new Event("input"));
}

if (bar && range && document.getElementById("state")) {
  document.addEventListener("loaded", point);
  range.hidden = false;
  range.addEventListener("input", () => {
    const at = moment(Number(range.value));
    say(at);
    clearTimeout(timer);
    timer = setTimeout(() => show(at), 120);
  });
}
