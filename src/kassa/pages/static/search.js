// What somebody may mean, while they type: a list beside the search box, after the ARIA pattern "combobox". Without this
// file the box is an ordinary one, and so it is on Enter.
const form = document.querySelector("form[data-suggest]");
const box = form?.querySelector("input[type=search]");
const PAUSE = 150;
let list, told, found = [], at = -1, waiting, asking;

function setUp() {
  list = document.createElement("ul");
  Object.assign(list, { id: "suggestions", className: "suggestions", role: "listbox", hidden: true });
  list.setAttribute("aria-label", box.labels[0].textContent);
  told = document.createElement("p");
  told.className = "hidden";
  told.setAttribute("role", "status");
  form.append(list, told);
  const says = { role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
  for (const [name, value] of Object.entries(says)) box.setAttribute(name, value);
  box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, PAUSE); });
  box.addEventListener("keydown", press);
  box.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // The box keeps the focus.
}

async function ask() {
  asking?.abort();
  const q = box.value.trim();
  if (!q) return close();
  asking = new AbortController();
  try {
    const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(q)}`, { signal: asking.signal });
    if (answer.ok && document.activeElement === box) show((await answer.json()).suggestions);
  } catch { /* Enter does the same. */ }
}

function show(suggestions) {
  found = suggestions.map(option);
  list.replaceChildren(...found);
  choose(-1);
  list.hidden = !found.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
  told.textContent = found.length ? form.dataset.some.replace("%", found.length) : form.dataset.none;
}

function option(each, place) {
  const item = document.createElement("li"), link = document.createElement("a");
  Object.assign(item, { id: `suggestion-${place}`, role: "option", ariaSelected: "false" });
  Object.assign(link, { href: `/shop/products/${encodeURIComponent(each.id)}`, tabIndex: -1 });
  const picture = document.createElement("img");
  Object.assign(picture, { src: /^(https:\/\/|\/(?![\/\\]))/.test(each.image ?? "") ? each.image : form.dataset.picture, alt: "", width: 40, height: 40 });
  const price = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: each.currency }).format(each.price);
  link.append(picture, part("suggestion-name", each.name), part("soft", each.category), part("num", each.isFrom ? form.dataset.from.replace("%", price) : price));
  item.append(link);
  return item;
}

function part(kind, text) {
  const made = document.createElement("span");
  Object.assign(made, { className: kind, textContent: text });
  return made;
}

function choose(place) {
  found[at]?.setAttribute("aria-selected", "false");
  at = place;
  if (!found[at]) return box.removeAttribute("aria-activedescendant");
  found[at].setAttribute("aria-selected", "true");
  found[at].scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", found[at].id);
}

function press(event) {
  const places = found.length + 1; // The box itself is one of them.
  if (event.key === "Escape" && !list.hidden) close();
  else if (list.hidden || event.isComposing) return;
  else if (event.key === "ArrowDown") choose((at + 2) % places - 1);
  else if (event.key === "ArrowUp") choose((at + places) % places - 1);
  else if (event.key === "Enter" && found[at]) found[at].firstChild.click();
  else return;
  event.preventDefault();
}

function close() {
  clearTimeout(waiting);
  asking?.abort();
  found = [];
  choose(-1);
  list.hidden = true;
  box.setAttribute("aria-expanded", "false");
}

if (box) setUp();

// Another order of a list is shown at once; what is not chosen does not stand in its address.
const narrowing = document.querySelector("form[data-narrowing]");
if (narrowing) {
  document.documentElement.classList.add("with-script");
  narrowing.elements.sort.addEventListener("change", () => narrowing.requestSubmit());
  narrowing.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) {
      if (value) continue;
      const rest = formData.getAll(name).filter(Boolean);
      formData.delete(name);
      for (const each of rest) formData.append(name, each);
    }
  });
}
