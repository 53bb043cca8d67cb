// Everything works without this file; it only spares waiting and reloading.
"use strict";

// A second click on a form that is being sent does nothing (and would do no harm).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  const sent = form.id === "adding" ? event.submitter : form; // One form adds each product of a list.
  if (sent.dataset.sent) return event.preventDefault();
  document.querySelector(".offline")?.remove();
  if (!navigator.onLine) { // The browser's own page about it would take the place of what was typed.
    const told = Object.assign(document.createElement("p"), { className: "trouble offline", role: "alert" });
    told.textContent = document.body.dataset.offline;
    event.submitter?.after(told);
    return event.preventDefault();
  }
  sent.dataset.sent = "yes";
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  if (isOfDrawer(form)) {
    event.preventDefault();
    changeCart(form, event.submitter);
  }
});
const again = (root) => {
  for (const sent of root.querySelectorAll("[data-sent]")) delete sent.dataset.sent;
  for (const button of root.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
};
// Coming back with the browser's Back button shows the page as it was left: let it be sent again.
addEventListener("pageshow", () => again(document));

// The cart as a drawer: what adds to it or changes it leaves the page as it is, and lays the cart over it.
const isOfDrawer = (form) => form.getAttribute("action") === "/cart/add" || Boolean(form.closest("dialog.drawer"));
const drawer = document.createElement("dialog");
drawer.className = "drawer";
drawer.setAttribute("aria-labelledby", "drawer-title");
drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
async function changeCart(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const answer = await fetch(`${form.getAttribute("action")}?drawer=1`, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    drawer.innerHTML = await answer.text();
  } catch { return location.assign("/cart"); } // There it is seen whether it was heard.
  again(document);
  const count = document.querySelector("[data-testid=cart-count]");
  count.textContent = drawer.querySelector("[data-count]").dataset.count;
  count.classList.toggle("none", count.textContent === "0");
  if (!drawer.open) {
    document.body.append(drawer);
    drawer.showModal();
  }
  drawer.querySelector("#drawer-title").focus();
}

// Times are said in UTC; here they are those of the clock on the wall.
const written = (style) => new Intl.DateTimeFormat(document.documentElement.lang, style);
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.title) time.title = written({ dateStyle: "medium", timeStyle: "long" }).format(at);
    if ("clock" in time.dataset) time.textContent = written({ hour: "numeric", minute: "2-digit" }).format(at);
  }
}
localise(document);

// An order that is not settled yet: ask for its status until it is.
const place = document.getElementById("watched");
const stateOf = (root) => root.querySelector("[data-state]");
function showStatus(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const state = stateOf(fresh.content);
  const isNew = state && state.dataset.state !== stateOf(place).dataset.state;
  if (isNew) {
    localise(fresh.content);
    place.replaceChildren(fresh.content);
    document.title = state.dataset.title;
  }
  return [state && state.dataset.final === "yes", isNew];
}
async function look(pause) {
  let next = Math.min(pause * 1.2, 8000);
  try {
    const answer = await fetch(place.dataset.watch, { redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") return location.reload(); // Logged out meanwhile.
    if (answer.ok) {
      const [isLast, isNew] = showStatus(await answer.text());
      if (isLast) return;
      if (isNew) next = 1000;
    }
  } catch { next = 8000; }
  setTimeout(look, next, next);
}
if (place && place.dataset.events) {
  const events = new EventSource(place.dataset.events);
  events.addEventListener("message", (event) => showStatus(event.data));
  events.addEventListener("last", (event) => { events.close(); showStatus(event.data); });
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(look, 1000, 1000); // There is no stream to be had.
  });
  addEventListener("pagehide", () => events.close());
}

// The checkout: what was changed is reckoned at once; what is typed meanwhile stays as it is.
const checkout = document.querySelector("form[data-live]");
let asked;
async function reckon() {
  asked?.abort();
  asked = new AbortController();
  const body = new URLSearchParams(new FormData(checkout));
  body.set("do", "update");
  try {
    const answer = await fetch(checkout.action, { method: "POST", body, signal: asked.signal, redirect: "manual" });
    if (answer.ok) renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* The button does the same. */ }
}
function renew(fresh) {
  if (checkout.dataset.sent) return;
  const typed = new FormData(checkout);
  const at = document.activeElement;
  const chosen = fresh.querySelector("[name=shippingMethod]:checked")?.value;
  for (const part of document.querySelectorAll("[id^=part-]")) {
    const other = fresh.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
  }
  for (const field of checkout.elements) {
    if (field.matches("input:not([type=radio], [type=hidden]), select, textarea") && typed.has(field.name)) {
      field.value = typed.get(field.name);
    }
    if (field.type === "radio") field.checked = field.value === (chosen ?? "");
  }
  const same = at?.id ? document.getElementById(at.id)
    : at?.type === "radio" ? checkout.querySelector(`[name="${at.name}"][value="${at.value}"]`) : null;
  if (same && same !== document.activeElement) same.focus({ preventScroll: true });
}
if (checkout) {
  document.documentElement.classList.add("with-script");
  checkout.addEventListener("change", reckon);
  document.querySelector("[data-testid=errors]")?.focus();
}
