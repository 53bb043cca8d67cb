// Comfort only: the page works without this.
"use strict";

const form = document.querySelector("form");
const number = document.getElementById("cardNumber");
const expiry = document.getElementById("expiry");
const cvc = document.getElementById("cvc");
const pay = document.getElementById("pay");

const groups = (digits) => digits.replace(/(\d{4})(?=\d)/g, "$1 ");

number.addEventListener("input", () => {
  const atEnd = number.selectionStart === number.value.length;
  if (atEnd) number.value = groups(number.value.replace(/\D/g, "").slice(0, 19));
});

expiry.addEventListener("input", (event) => {
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

form.addEventListener("submit", () => {
  pay.setAttribute("aria-busy", "true");
  pay.textContent = "Processing…";
  // After the browser has taken the form: a disabled button at this moment would stop it.
  setTimeout(() => { pay.disabled = true; }, 0);
});

// Coming back with the browser's Back button must not leave a dead button.
window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

document.getElementById("fill-hint").hidden = false;
document.documentElement.classList.add("fills");

const wrong = document.querySelector("[aria-invalid=true]");
if (wrong) wrong.focus();
