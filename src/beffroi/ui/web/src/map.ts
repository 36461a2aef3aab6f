// The map page: draws the town, follows the stream, opens the card of a chosen asset.
import { LngLatBounds, Map as MapView, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { GeoJSONSource, MapMouseEvent } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Readings } from "./app";
import { openCard, refreshCard } from "./card";
import { fillLook, showTally } from "./look";
import { drawMark } from "./marks";
import { mapStyle, mapWords } from "./mapstyle";
import { Town } from "./town";
import { CONDITIONS, getJson, words } from "./words";
import type { Catalogue } from "./words";
import "./css/map.css";

setWorkerUrl(workerUrl);
const REDRAW_MS = 1000;
const RELOAD_MS = 2500;
const box = document.getElementById("map") as HTMLElement;
const wide = matchMedia("(min-width: 52.01rem)").matches;
if (!wide) document.querySelector(".watch-body")?.removeAttribute("open");

async function start(): Promise<void> {
  const [catalogue, base, shapes] = await Promise.all([
    getJson<Catalogue>("/api/catalogue"),
    getJson<GeoJSON.FeatureCollection>("/api/map/base"),
    getJson<GeoJSON.FeatureCollection>("/api/map/shapes"),
  ]);
  const town = new Town(catalogue);
  await town.load("");
  const view = makeView(town);
  if (view) drawOn(view, town, base, shapes);
  const redraw = later(REDRAW_MS, () => {
    if (view) setData(view, town);
    showTally(town);
    fillLook(town, (id) => select(town, view, id));
  });
  const reload = later(RELOAD_MS, async () => {
    await town.load(town.partial && view ? boxOf(view) : "");
    redraw();
  });
  redraw();
  follow(town, redraw, reload);
  layerSwitches(town, redraw);
  document.getElementById("find")?.addEventListener("input", redraw);
  if (view) {
    view.on("click", (event) => clicked(event, town, view));
    view.on("moveend", () => town.partial && reload());
  }
  const wanted = new URLSearchParams(location.search).get("asset");
  if (wanted) select(town, view, wanted);
}

function makeView(town: Town): MapView | null {
  const bounds = town.bounds ?? [
    Number(box.dataset.lon) - 0.01,
    Number(box.dataset.lat) - 0.01,
    Number(box.dataset.lon) + 0.01,
    Number(box.dataset.lat) + 0.01,
  ];
  try {
    const view = new MapView({
      container: box,
      style: { version: 8, sources: {}, layers: [] },
      bounds: new LngLatBounds(bounds),
      fitBoundsOptions: {
        padding: wide
          ? { left: 400, right: 60, top: 50, bottom: 50 }
          : { left: 30, right: 30, top: 130, bottom: 40 },
        maxZoom: 17,
      },
      maxPitch: 0,
      dragRotate: false,
      attributionControl: false,
      locale: mapWords(),
    });
    view.touchZoomRotate.disableRotation();
    view.keyboard.disableRotation();
    view.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
    view.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-right");
    (window as unknown as { beffroiMap: MapView }).beffroiMap = view;
    return view;
  } catch {
    box.replaceChildren(
      words("The map could not be drawn on this device. The list shows the same assets."),
    );
    box.classList.add("map-none");
    return null;
  }
}

function drawOn(
  view: MapView,
  town: Town,
  base: GeoJSON.FeatureCollection,
  shapes: GeoJSON.FeatureCollection,
): void {
  const paint = () => view.setStyle(mapStyle(town, base, shapes), { diff: false });
  view.on("style.load", () => {
    for (const domain of Object.keys(town.catalogue))
      for (const state of CONDITIONS)
        view.addImage(`${domain}|${state}`, drawMark(domain, state, town.catalogue), {
          pixelRatio: 2,
        });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  view.once("idle", () => box.setAttribute("data-ready", "1"));
}

function setData(view: MapView, town: Town): void {
  (view.getSource("assets") as GeoJSONSource | undefined)?.setData(town.drawn());
  (view.getSource("chosen") as GeoJSONSource | undefined)?.setData(town.chosenPoint());
}

function follow(town: Town, redraw: () => void, reload: () => void): void {
  document.addEventListener("beffroi:readings", (event) => {
    const news = (event as CustomEvent<Readings>).detail;
    if (town.take(news)) redraw();
    if (town.chosen && news[town.chosen]) refreshCard(town.chosen);
  });
  document.addEventListener("beffroi:alarm", (event) => {
    town.raise((event as CustomEvent<Record<string, unknown>>).detail);
    redraw();
    reload();
    if (town.chosen) refreshCard(town.chosen);
  });
  for (const kind of ["inventory", "resync"]) document.addEventListener(`beffroi:${kind}`, reload);
  setInterval(redraw, 30_000); // silence is news too
}

function layerSwitches(town: Town, redraw: () => void): void {
  for (const input of document.querySelectorAll<HTMLInputElement>("[data-layer]")) {
    const name = input.dataset.layer ?? "";
    input.addEventListener("change", () => {
      if (input.checked) town.hidden.delete(name);
      else town.hidden.add(name);
      redraw();
    });
  }
}

function clicked(event: MapMouseEvent, town: Town, view: MapView): void {
  const { x, y } = event.point;
  const near: [[number, number], [number, number]] = [
    [x - 8, y - 8],
    [x + 8, y + 8],
  ];
  const found = view.queryRenderedFeatures(near, { layers: ["assets", "groups", "shapes-line"] })[0];
  if (!found) return;
  if (found.layer.id === "groups") view.flyTo({ center: event.lngLat, zoom: view.getZoom() + 2 });
  else select(town, view, String(found.properties.i));
}

function select(town: Town, view: MapView | null, id: string): void {
  town.chosen = id;
  const place = town.place(id);
  if (view) {
    setData(view, town);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (place)
      view.easeTo({
        center: place,
        zoom: Math.max(view.getZoom(), 16),
        offset: wide ? [0, 0] : [0, -box.clientHeight / 4], // above the card on a phone
        animate: !calm,
      });
  }
  void openCard(id, () => {
    town.chosen = "";
    if (view) setData(view, town);
  });
}

function boxOf(view: MapView): string {
  return view.getBounds().toArray().flat().join(",");
}

/** At most one call per `wait_ms`, the last one never lost. */
function later(wait_ms: number, work: () => void | Promise<void>): () => void {
  let timer = 0;
  let last = 0;
  return () => {
    if (timer) return;
    const wait = Math.max(0, last + wait_ms - performance.now());
    timer = window.setTimeout(() => {
      timer = 0;
      last = performance.now();
      void work();
    }, wait);
  };
}

void start();
