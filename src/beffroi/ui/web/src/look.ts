// The panel beside the map: how many of each condition, what to look at, and the search.
import type { Asset, Town } from "./town";
import { conditionName, reading, words } from "./words";
import type { Condition } from "./words";

const ROWS_MAX = 8;
const ORDER: Record<Condition, number> = { grave: 0, warning: 1, stale: 2, unknown: 3, ok: 4 };

export function showTally(town: Town): void {
  const counts: Record<string, number> = { grave: 0, warning: 0, stale: 0, ok: 0 };
  const layers: Record<string, number> = {};
  for (const asset of town.assets.values()) {
    const state = town.condition(asset);
    const shown = state === "unknown" ? "stale" : state;
    counts[shown] = (counts[shown] ?? 0) + 1;
    layers[asset.d] = (layers[asset.d] ?? 0) + 1;
  }
  for (const cell of document.querySelectorAll<HTMLElement>("[data-count]"))
    cell.textContent = String(counts[cell.dataset.count ?? ""] ?? 0);
  for (const cell of document.querySelectorAll<HTMLElement>("[data-layer-count]"))
    cell.textContent = String(layers[cell.dataset.layerCount ?? ""] ?? 0);
}

export function fillLook(town: Town, select: (id: string) => void): void {
  const list = document.getElementById("look");
  const find = document.getElementById("find") as HTMLInputElement | null;
  if (!list) return;
  const wanted = (find?.value ?? "").trim().toLocaleLowerCase();
  const found = wanted ? matching(town, wanted) : troubled(town);
  const focused = (document.activeElement as HTMLElement | null)?.dataset.asset;
  list.replaceChildren(...found.slice(0, ROWS_MAX).map((asset) => row(town, asset, select)));
  if (found.length === 0) list.append(nothing(wanted !== ""));
  if (focused) list.querySelector<HTMLElement>(`[data-asset="${CSS.escape(focused)}"]`)?.focus();
}

function troubled(town: Town): Asset[] {
  return [...town.assets.values()]
    .filter((asset) => town.condition(asset) !== "ok" && !town.hidden.has(asset.d))
    .sort((a, b) => ORDER[town.condition(a)] - ORDER[town.condition(b)]);
}

function matching(town: Town, wanted: string): Asset[] {
  return [...town.assets.values()].filter((asset) => asset.n.toLocaleLowerCase().includes(wanted));
}

function row(town: Town, asset: Asset, select: (id: string) => void): HTMLLIElement {
  const state = town.condition(asset);
  const kind = town.kind(asset);
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.asset = asset.i;
  button.className = `look-row state-${state}`;
  button.append(shape(state), text("span", asset.n, "look-name"));
  const value = state === "unknown" ? conditionName(state) : reading(kind?.properties[kind.headline], asset.v);
  button.append(text("span", value, "look-value"));
  button.append(text("span", conditionName(state), "visually-hidden"));
  button.addEventListener("click", () => select(asset.i));
  item.append(button);
  return item;
}

function nothing(searching: boolean): HTMLLIElement {
  const item = document.createElement("li");
  item.className = "hint";
  item.textContent = searching
    ? words("No asset has this name.")
    : words("Nothing to watch: everything is in order.");
  return item;
}

function shape(state: Condition): Node {
  const model = document.querySelector(`.tally-${state === "unknown" ? "stale" : state} .shape`);
  return model ? model.cloneNode(true) : document.createTextNode("");
}

function text(tag: string, content: string, className: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  element.className = className;
  return element;
}
