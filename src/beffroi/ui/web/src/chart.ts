// The asset page: history as a chart and as a table, values that follow the stream.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Readings } from "./app";
import { history, tableRows } from "./history";
import type { History } from "./history";
import { getJson, lang, reading, words } from "./words";
import type { Catalogue, Property } from "./words";
import "./css/chart.css";

const DAY_MS = 86_400_000;
const page = document.getElementById("asset") as HTMLElement;
const asset = page.dataset.asset ?? "";
const box = document.getElementById("chart") as HTMLElement;
const picker = document.getElementById("prop") as HTMLSelectElement;
let properties: Record<string, Property> = {};
let plot: uPlot | null = null;
let days = 1;
let window_s: [number, number] = [0, 1];

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

async function draw(): Promise<void> {
  const property = properties[picker.value];
  if (!property) return nothing();
  const end = Date.now();
  window_s = [end / 1000 - days * 86_400, end / 1000];
  const data = await history(asset, property.name, end - days * DAY_MS, end);
  if (data.t.length === 0) return nothing();
  plot?.destroy();
  box.replaceChildren();
  plot = new uPlot(options(property, data), columns(data), box);
  const values = data.v.filter((value) => value !== null);
  document.getElementById("chart-words")!.textContent = summary(property, data, values);
  document
    .querySelector("#chart-table tbody")!
    .replaceChildren(...tableRows(data, (value) => reading(property, value)));
}

function nothing(): void {
  plot?.destroy();
  plot = null;
  box.replaceChildren();
  document.querySelector("#chart-table tbody")?.replaceChildren();
  document.getElementById("chart-words")!.textContent = words("No reading in this period.");
}

function summary(property: Property, data: History, values: number[]): string {
  const low = Math.min(...(data.low ?? values));
  const high = Math.max(...(data.high ?? values));
  return `${words("Lowest")} ${reading(property, low)} · ${words("Highest")} ${reading(property, high)}`;
}

function columns(data: History): uPlot.AlignedData {
  const t = data.t.map((ms) => ms / 1000);
  return data.mode === "hours" ? [t, data.high!, data.low!, data.v] : [t, data.v];
}

function options(property: Property, data: History): uPlot.Options {
  const line = colour("--brand");
  const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: '13px "Source Sans 3 Variable", sans-serif' };
  const main: uPlot.Series = { stroke: line, width: 2, points: { show: data.t.length < 40 } };
  const edge: uPlot.Series = { stroke: "transparent", points: { show: false } };
  if (property.states) main.paths = uPlot.paths.stepped!({ align: 1 });
  return {
    width: box.clientWidth,
    height: 280,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, range: () => window_s }, y: { range: (_u, low, high) => padded(low, high) } },
    axes: [
      { ...axis, values: (_u, splits) => splits.map((s) => stamp(s * 1000)), space: 80 },
      { ...axis, size: 64, values: (_u, splits) => splits.map((v) => label(property, v)) },
    ],
    series: data.mode === "hours" ? [{}, edge, edge, main] : [{}, main],
    bands: data.mode === "hours" ? [{ series: [1, 2], fill: `${line}2e` }] : [],
    hooks: { draw: [(u) => alarmMarks(u, data)], setCursor: [(u) => showCursor(u, property, data)] },
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), document.body.dataset.zone ?? "Europe/Paris"),
  };
}

function padded(low: number, high: number): [number, number] {
  const room = high - low || Math.abs(high) || 1;
  return [low - room * 0.08, high + room * 0.08];
}

function label(property: Property, value: number): string {
  if (property.states) return property.states[String(value)] ?? "";
  return value.toLocaleString(lang, { maximumFractionDigits: 2 });
}

function stamp(ms: number): string {
  const zone = document.body.dataset.zone;
  const form: Intl.DateTimeFormatOptions =
    days <= 1 ? { hour: "2-digit", minute: "2-digit" } : days > 60 ? { month: "short", year: "2-digit" } : { day: "numeric", month: "short" };
  return new Date(ms).toLocaleString(lang, { ...form, timeZone: zone });
}

function alarmMarks(u: uPlot, data: History): void {
  const { ctx, bbox } = u;
  ctx.save();
  for (const [ms, severity] of data.alarms) {
    const x = u.valToPos(ms / 1000, "x", true);
    ctx.strokeStyle = ctx.fillStyle = severity >= 2 ? colour("--grave") : colour("--warn");
    ctx.lineWidth = 2;
    ctx.setLineDash([6, 5]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 7, bbox.top);
    ctx.lineTo(x + 7, bbox.top);
    ctx.lineTo(x, bbox.top + 12);
    ctx.fill();
  }
  ctx.restore();
}

function showCursor(u: uPlot, property: Property, data: History): void {
  const at = u.cursor.idx;
  const value = at === null || at === undefined ? null : data.v[at];
  if (at === null || at === undefined || value === null || value === undefined) return;
  const when = new Date(data.t[at]!).toLocaleString(lang, { dateStyle: "medium", timeStyle: "short", timeZone: document.body.dataset.zone });
  document.getElementById("chart-words")!.textContent = `${when} : ${reading(property, value)}`;
}

function follow(): void {
  document.addEventListener("beffroi:readings", (event) => {
    const news = (event as CustomEvent<Readings>).detail[asset];
    for (const [name, [, value]] of Object.entries(news ?? {})) {
      for (const cell of document.querySelectorAll(`[data-prop="${CSS.escape(name)}"]`))
        cell.textContent = reading(properties[name], value);
    }
    if (news?.[picker.value] && days <= 1) void draw();
  });
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-span]")) {
  button.addEventListener("click", () => {
    days = Number(button.dataset.span);
    for (const other of document.querySelectorAll("[data-span]"))
      other.setAttribute("aria-pressed", String(other === button));
    void draw();
  });
}
picker.addEventListener("change", () => void draw());
new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: 280 })).observe(box);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void draw());

void (async () => {
  const catalogue = await getJson<Catalogue>("/api/catalogue");
  const kind = catalogue[page.dataset.domain ?? ""]?.kinds[page.dataset.kind ?? ""];
  properties = kind?.properties ?? {};
  await draw();
  follow();
})();
