// Comfort only: the page works without this.
"use strict";

const form = document.querySelector("form");
const number = document.getElementById("cardNumber");
const expiry = document.getElementById("expiry");
const cvc = document.getElementById("cvc");
const pay = document.getElementById("pay");
const update = document.getElementById("update");

const groups = (digits) => digits.replace(/(\d{4})(?=\d)/g, "$1 ");

number?.addEventListener("input", () => {
  const atEnd = number.selectionStart === number.value.length;
  if (atEnd) number.value = groups(number.value.replace(/\D/g, "").slice(0, 19));
});

expiry?.addEventListener("input", (event) => {
  const digits = expiry.value.replace(/\D/g, "");
  if (event.inputType === "insertText" && digits.length === 2 && !expiry.value.includes("/")) {
    expiry.value = `${digits} / `;
  }
});

for (const card of document.querySelectorAll(".test-card")) {
  card.addEventListener("click", () => {
    number.value = card.dataset.number;
    expiry.value = card.dataset.expiry;
    cvc.value = "123";
    pay.focus();
  });
}

form.addEventListener("submit", (event) => {
  const pressed = event.submitter ?? pay;
  pressed.setAttribute("aria-busy", "true");
  pressed.textContent = "Processing…";
  // After the browser has taken the form: a disabled button at this moment would stop it.
  setTimeout(() => { pressed.disabled = true; }, 0);
});

// The total follows from the address and from the way of shipping: the page is asked for it as soon as they are there.
if (update) {
  let latest = 0;
  update.hidden = true;
  form.addEventListener("change", async (event) => {
    if (!event.target.matches("[data-quote], #billingSame")) return;
    const mine = ++latest;
    const typed = new FormData(form);
    for (const name of ["cardNumber", "expiry", "cvc", "name"]) typed.delete(name);
    typed.set("do", "update");
    document.querySelector(".summary").classList.add("is-stale");
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(typed) }).catch(() => null);
    if (!answer) update.hidden = false;
    if (!answer || mine !== latest) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const summary = page.querySelector(".summary");
    if (!summary) {
      window.location.reload();
      return;
    }
    document.querySelector(".summary").replaceWith(summary);
    form.elements.shown.value = page.querySelector("[name=shown]").value;
    if (pay) pay.textContent = page.getElementById("pay").textContent;
    document.title = page.title;
  });
}

// Coming back with the browser's Back button must not leave a dead button.
window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

const hint = document.getElementById("fill-hint");
if (hint) hint.hidden = false;
document.documentElement.classList.add("fills");

const wrong = document.querySelector("[aria-invalid=true]");
if (wrong) wrong.focus();
