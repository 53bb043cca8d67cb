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
