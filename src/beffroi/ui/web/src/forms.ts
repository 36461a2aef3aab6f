// Small helps on forms: copy a text, show the part that belongs to a choice, wait for an arrival.
import { words } from "./words";

const POLL_MS = 4000;

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text.trim());
      say(words("Copied."));
    } catch {
      say(words("Select the text and copy it yourself."));
    }
  });
}

function say(text: string): void {
  const place = document.getElementById("said");
  if (place) place.textContent = text;
}

function showWay(): void {
  const way = document.querySelector<HTMLInputElement>('input[name="way"]:checked')?.value;
  for (const part of document.querySelectorAll<HTMLFieldSetElement>("[data-way]"))
    part.hidden = part.disabled = part.dataset.way !== way;
}
for (const radio of document.querySelectorAll('input[name="way"]'))
  radio.addEventListener("change", showWay);
if (document.querySelector('input[name="way"]')) showWay();

/** Fields that no signed case has together with what is chosen are put aside. The hub checks. */
type Case = Record<string, string[]>;
function showFields(place: HTMLElement): void {
  const cases = JSON.parse(place.dataset.cases ?? "[]") as Case[];
  const fields = [...place.querySelectorAll<HTMLElement>("[data-field]")];
  const show = () => {
    const chosen = new Map<string, string>();
    for (const select of place.querySelectorAll("select"))
      if (select.value) chosen.set(select.name.slice(2), select.value);
    const fitting = cases.filter((one) =>
      Object.entries(one).every(([name, list]) => {
        const value = chosen.get(name);
        return !list.length || !value || list.includes(value) || name !== fields[0]?.dataset.field;
      }),
    );
    const first = fields[0]?.querySelector("select");
    for (const field of fields) {
      const name = field.dataset.field ?? "";
      const holds = (one: Case) => name in one;
      const open = first && !first.value; // nothing chosen yet: what every case needs
      const used = field === fields[0] || (open ? fitting.every(holds) : fitting.some(holds));
      field.hidden = !used;
      for (const input of field.querySelectorAll<HTMLInputElement | HTMLSelectElement>("input, select"))
        input.disabled = !used;
    }
  };
  for (const select of place.querySelectorAll("select")) select.addEventListener("change", show);
  show();
}
for (const place of document.querySelectorAll<HTMLElement>("[data-cases]")) showFields(place);

/** Asks again every few seconds and at each event, until the first reading is there. */
function awaitArrival(place: HTMLElement): void {
  const ask = async () => {
    if (place.dataset.done !== undefined) return;
    const response = await fetch(place.dataset.poll ?? "");
    if (!response.ok) return;
    const text = await response.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const arrived = fresh.querySelector("[data-arrived]") !== null;
    const opened = place.querySelector("details")?.open ?? false;
    place.replaceChildren(...fresh.childNodes);
    if (opened) place.querySelector("details")?.setAttribute("open", "");
    if (!arrived) return;
    place.dataset.done = "";
    place.tabIndex = -1;
    place.focus();
    say(place.querySelector("h2")?.textContent ?? "");
  };
  setInterval(() => void ask(), POLL_MS);
  for (const kind of ["readings", "inventory"])
    document.addEventListener(`beffroi:${kind}`, () => void ask());
}
const arrival = document.getElementById("arrival");
if (arrival) awaitArrival(arrival);
