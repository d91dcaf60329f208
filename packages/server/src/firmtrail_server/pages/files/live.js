// What keeps a page fresh by itself: now is asked for again, a new project waits for its first report.

import { part, withParameter } from "./fetching.js";

const LIVE_MS = 15_000;
const WAIT_MS = 3_000;

function isBusy(state) {
  return document.hidden || state.contains(document.activeElement) || state.querySelector("details[open]")
    || !getSelection().isCollapsed;
}

async function refresh() {
  const state = document.querySelector("#state[data-live]");
  const here = new URL(location.href);
  if (!state || here.searchParams.has("at") || here.searchParams.has("page_token") || isBusy(state)) return;
  const fresh = await part(withParameter(here.href, "part", "state"), "state");
  if (fresh && document.getElementById("state") === state && !isBusy(state)) {
    state.replaceWith(fresh);
    document.dispatchEvent(new CustomEvent("shown"));
  }
}

async function lookAgain(path) {
  const answer = await fetch(path);
  if (answer.ok && !(await answer.text()).includes("data-wait=")) location.assign(path);
}

async function loadFragments() {
  for (const room of document.querySelectorAll("[data-fragment]")) {
    const url = room.dataset.fragment;
    room.removeAttribute("data-fragment");
    const fragment = await part(url, "fragment").catch(() => null);
    if (fragment) room.replaceWith(fragment);
  }
  document.dispatchEvent(new CustomEvent("loaded"));
}

const waiting = document.querySelector("[data-wait]");
if (waiting) setInterval(() => document.hidden || lookAgain(waiting.dataset.wait).catch(() => {}), WAIT_MS);
else setInterval(() => refresh().catch(() => {}), LIVE_MS);
loadFragments();
document.addEventListener("shown", loadFragments);
