// History as the hub sends it, made ready to draw: gaps stay gaps, tables stay short.
import { getJson, lang } from "./words";

export interface History {
  mode: "points" | "hours";
  t: number[];
  v: (number | null)[];
  low?: number[];
  high?: number[];
  alarms: [ms: number, severity: number, id: string][];
}
const ROWS_MAX = 48;
const GAP = 4; // times the usual step

export async function history(asset: string, prop: string, start: number, end: number): Promise<History> {
  const query = new URLSearchParams({
    prop,
    start_ms: String(Math.round(start)),
    end_ms: String(Math.round(end)),
  });
  const data = await getJson<History>(`/api/assets/${encodeURIComponent(asset)}/series?${query}`);
  return data.mode === "points" ? withGaps(data) : data;
}

/** A line over hours of silence would invent readings: a null breaks it. */
function withGaps(data: History): History {
  const steps = data.t.slice(1).map((t, i) => t - data.t[i]!);
  const usual = steps.slice().sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const t: number[] = [];
  const v: (number | null)[] = [];
  data.t.forEach((at, i) => {
    const step = steps[i - 1];
    if (usual && step && step > usual * GAP) {
      t.push(at - step / 2);
      v.push(null);
    }
    t.push(at);
    v.push(data.v[i]!);
  });
  return { ...data, t, v };
}

/** At most ROWS_MAX rows, newest first: each stretch with its lowest, mean and highest value. */
export function tableRows(data: History, text: (value: number) => string): HTMLTableRowElement[] {
  const size = Math.max(1, Math.ceil(data.t.length / ROWS_MAX));
  const rows: HTMLTableRowElement[] = [];
  for (let at = 0; at < data.t.length; at += size) {
    const mean = data.v.slice(at, at + size).filter((value) => value !== null);
    if (mean.length === 0) continue;
    const low = data.low?.slice(at, at + size) ?? mean;
    const high = data.high?.slice(at, at + size) ?? mean;
    const average = mean.reduce((a, b) => a + b, 0) / mean.length;
    rows.unshift(row(data.t[at]!, [Math.min(...low), average, Math.max(...high)].map(text)));
  }
  return rows;
}

function row(ms: number, cells: string[]): HTMLTableRowElement {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = new Date(ms).toLocaleString(lang, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: document.body.dataset.zone,
  });
  line.append(head);
  for (const text of cells) {
    const cell = document.createElement("td");
    cell.className = "number";
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}
