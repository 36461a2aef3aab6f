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
