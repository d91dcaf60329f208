// A button beside what is there to be copied.

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  const text = source.textContent.trim();
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  if (source.matches("pre")) {
    const room = document.createElement("div");
    room.className = "copyable";
    source.replaceWith(room);
    room.append(button, source);
  } else source.after(button);
}
