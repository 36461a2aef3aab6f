// The page's language for scripts: words, numbers and conditions.
export const CONDITIONS = ["ok", "warning", "grave", "stale", "unknown"] as const;
export type Condition = (typeof CONDITIONS)[number];

export interface Property {
  name: string;
  label: string;
  unit: string;
  digits: number;
  stale_s: number;
  states: Record<string, string> | null;
}
export interface Kind {
  label: string;
  icon: string;
  headline: string;
  properties: Record<string, Property>;
}
export interface Domain {
  label: string;
  letter: string;
  colour: string;
  kinds: Record<string, Kind>;
}
export type Catalogue = Record<string, Domain>;

export const lang = document.body.dataset.lang ?? "fr";
const table = JSON.parse(document.getElementById("words")?.textContent ?? "{}") as Record<
  string,
  string
>;

export function words(key: string): string {
  return table[key] ?? key;
}

export function reading(property: Property | undefined, value: number | undefined): string {
  if (!property || value === undefined) return "–";
  const state = property.states?.[String(Math.round(value))];
  if (state) return state;
  const text = value.toLocaleString(lang, {
    minimumFractionDigits: property.digits,
    maximumFractionDigits: property.digits,
  });
  return property.unit ? `${text}\u202f${property.unit}` : text;
}

// The same rule as `beffroi/api/condition.py`.
export function condition(
  severity: number,
  ts: number | undefined,
  stale_s: number,
  now: number,
): Condition {
  if (severity >= 2) return "grave";
  if (severity >= 1) return "warning";
  if (ts === undefined) return "unknown";
  return now - ts > stale_s * 1000 ? "stale" : "ok";
}

export function conditionName(state: Condition): string {
  const names = {
    grave: "Grave",
    warning: "Warning",
    stale: "No news",
    unknown: "Never seen",
    ok: "In order",
  };
  return words(names[state]);
}

export async function getJson<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (response.status === 401) location.assign("/sign-in");
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return (await response.json()) as T;
}
