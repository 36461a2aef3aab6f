// On every signed-in page: the live dot, and the stream of events that other islands listen to.
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
  for (const kind of ["readings", "alarm", "inventory", "resync"]) {
    source.addEventListener(kind, (event) => {
      const detail: unknown = JSON.parse((event as MessageEvent<string>).data);
      document.dispatchEvent(new CustomEvent(`beffroi:${kind}`, { detail }));
    });
  }
  window.addEventListener("pagehide", () => source.close());
}

if (document.getElementById("live")) listen();
