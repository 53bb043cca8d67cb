// The console works without this file; it only keeps a list fresh by itself.
"use strict";

const fresh = document.getElementById("fresh");
const isInUse = () => fresh.contains(document.activeElement) || fresh.querySelector("input:checked") !== null;
async function renew() {
  if (document.hidden || isInUse()) return;
  try {
    const answer = await fetch(location.href, { redirect: "manual", cache: "no-store" });
    if (!answer.ok) return; // Logged out, or out of reach: what is shown stays.
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("fresh");
    if (found && !isInUse() && found.innerHTML !== fresh.innerHTML) fresh.replaceChildren(...found.childNodes);
  } catch { /* The next time. */ }
}
if (fresh) setInterval(renew, 1000 * Number(fresh.dataset.every));

// What was chosen is shown before it is sent.
const MOST_BYTES = 12 * 1024 * 1024 - 4096;
for (const form of document.querySelectorAll("form[data-pictures]")) {
  const input = form.querySelector("input[type=file]"), list = form.querySelector("[data-preview]");
  input.addEventListener("change", async () => {
    const bytes = Array.from(input.files).reduce((sum, file) => sum + file.size, 0);
    input.setCustomValidity(bytes > MOST_BYTES ? "Choose fewer or smaller pictures: at most 12 MB together." : "");
    input.reportValidity();
    const shown = await Promise.all(Array.from(input.files).slice(0, 10).map(drawn));
    list.replaceChildren(...shown);
    list.hidden = shown.length === 0;
  });
}
async function drawn(file) {
  const item = document.createElement("li"), name = document.createElement("span");
  name.className = "soft";
  name.textContent = file.name;
  try {
    const bitmap = await createImageBitmap(file), canvas = document.createElement("canvas");
    const scale = 240 / Math.max(bitmap.width, bitmap.height);
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    item.append(canvas);
  } catch { name.textContent += ": no picture that can be shown"; }
  item.append(name);
  return item;
}
