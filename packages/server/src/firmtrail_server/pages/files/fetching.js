// Fetching a part of a page of ours. A page that has become another one (the session ended) is opened as a whole.

export async function part(url, id, signal) {
  const answer = await fetch(url, { signal, headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    location.reload();
    return null;
  }
  if (!answer.ok) return null;
  const read = new DOMParser().parseFromString(await answer.text(), "text/html");
  return document.adoptNode(read.getElementById(id));
}

export function withParameter(path, name, value) {
  const url = new URL(path, location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  return url.pathname + url.search + url.hash;
}
