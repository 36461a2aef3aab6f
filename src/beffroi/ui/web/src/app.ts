// On every signed-in page: the live dot, and the stream of events that other islands listen to.
import "./forms";
import { words } from "./words";

export type Reading = [ts_ms: number, value: number, quality: number];
export type Readings = Record<string, Record<string, Reading>>;

function show(state: "on" | "off", text: string): void {
  const live = document.getElementById("live");
  const label = live?.querySelector(".live-text");
  if (!live || !label) return;
  live.dataset.state = state;
  label.textContent = text;
}

function listen(): void {
  const source = new EventSource("/events");
  source.onopen = () => {
    show("on", words("Live"));
    document.dispatchEvent(new CustomEvent("beffroi:open"));
  };
  source.onerror = () => show("off", words("Connection lost. Trying again…"));
  for (const kind of ["readings", "alarm", "command", "inventory", "resync"]) {
    source.addEventListener(kind, (event) => {
      const detail: unknown = JSON.parse((event as MessageEvent<string>).data);
      document.dispatchEvent(new CustomEvent(`beffroi:${kind}`, { detail }));
    });
  }
  window.addEventListener("pagehide", () => source.close());
}

/** A piece of page that follows events: read again from the hub, unless somebody is typing in it. */
function refreshPieces(): void {
  const piece = document.querySelector<HTMLElement>("[data-live]");
  if (!piece) return;
  let timer = 0;
  const refresh = async () => {
    timer = 0;
    if (piece.contains(document.activeElement)) return;
    const response = await fetch(location.href);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of [piece.id, ...(piece.dataset.with ?? "").split(" ")]) {
      const fresh = id ? page.getElementById(id) : null;
      const shown = document.getElementById(id);
      if (!fresh || !shown) continue;
      // What was answered to a form stays to be read: the page that is read again does not know it.
      const said = [...shown.querySelectorAll('[role="alert"]:not([hidden])')].filter(
        (one) => !fresh.textContent?.includes(one.textContent ?? ""),
      );
      shown.replaceChildren(...said, ...fresh.childNodes);
    }
    document.dispatchEvent(new CustomEvent("beffroi:fresh"));
  };
  // What is quick may have happened between the page and the stream: such a piece looks once more.
  const first = piece.dataset.fresh === undefined ? [] : ["open"];
  for (const kind of [...(piece.dataset.live ?? "").split(" "), "resync", ...first])
    document.addEventListener(`beffroi:${kind}`, () => {
      timer ||= window.setTimeout(() => void refresh(), 1000);
    });
}

for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submit]"))
  select.addEventListener("change", () => select.form?.requestSubmit());
for (const button of document.querySelectorAll<HTMLElement>("[data-noscript]")) button.hidden = true;

if (document.getElementById("live")) {
  listen();
  refreshPieces();
}
