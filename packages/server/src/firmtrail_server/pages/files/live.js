// What keeps a page fresh by itself: the server says when something has changed (server-sent events), and the page is
// asked for again. Without such a stream it is asked for all the same, less often. A tab that nobody sees asks nothing.

import { part, withParameter } from "./fetching.js";

const stream = document.querySelector("[data-live]")?.dataset.live;
const waiting = document.querySelector("[data-wait]")?.dataset.wait;
const LEAST_MS = waiting ? 0 : 3_000;
const POLL_MS = waiting ? 3_000 : 15_000;
const SLOW_MS = 60_000; // for what no change tells of: the moments of last reports

let source = null;
let position = ""; // how far the feed has come, as the stream said last
let hasChanged = false;
let askedAt = Date.now();

function listen() {
  source = new EventSource(withParameter(stream, "after", position));
  for (const name of ["position", "changed"]) source.addEventListener(name, hear);
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it connects again by itself
    position = "";
    hush();
  });
}

function hush() {
  source?.close();
  source = null;
}

function hear(event) {
  // at first: what changed while the stream began
  if (event.type === "changed" || !position) hasChanged = true;
  position = event.lastEventId;
  tick().catch(() => {});
}

async function tick() {
  if (document.hidden) return;
  const age = Date.now() - askedAt;
  if (age < (hasChanged ? LEAST_MS : source ? SLOW_MS : POLL_MS) || isBusy()) return;
  hasChanged = false;
  askedAt = Date.now();
  if (!source) listen();
  await (waiting ? lookAgain() : refresh());
}

function isBusy() {
  const state = document.getElementById("state");
  return state && (state.contains(document.activeElement) || state.querySelector("details[open]")
    || !getSelection().isCollapsed);
}

async function refresh() {
  const state = document.querySelector("#state[data-live]");
  const here = new URL(location.href);
  if (!state || here.searchParams.has("at") || here.searchParams.has("page_token")) return;
  const fresh = await part(withParameter(here.href, "part", "state"), "state");
  if (fresh && document.getElementById("state") === state && !isBusy()) {
    state.replaceWith(fresh);
    document.dispatchEvent(new CustomEvent("shown"));
  }
}

async function lookAgain() {
  const answer = await fetch(waiting);
  if (answer.ok && !(await answer.text()).includes("data-wait=")) location.assign(waiting);
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

if (stream) {
  if (!document.hidden) listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hush();
    else if (!source) listen();
  });
  addEventListener("pagehide", hush);
  setInterval(() => tick().catch(() => {}), 1_000);
}
loadFragments();
document.addEventListener("shown", loadFragments);
