// Placing a new asset: the mark on the map and the two fields always say the same.
import { LngLatBounds, Map as MapView, Marker, NavigationControl, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { ground, names, mapWords } from "./mapstyle";
import { getJson, words } from "./words";
import "./css/map.css";

setWorkerUrl(workerUrl);
const DIGITS = 6;
const box = document.getElementById("place") as HTMLElement;
const lat = document.getElementById("lat") as HTMLInputElement;
const lon = document.getElementById("lon") as HTMLInputElement;

function typed(): [number, number] | null {
  const [y, x] = [lat, lon].map((input) => Number(input.value.trim().replace(",", ".")));
  const good = lat.value !== "" && lon.value !== "" && Math.abs(y!) <= 90 && Math.abs(x!) <= 180;
  return good ? [x!, y!] : null;
}

/** What was reported already: the address of the points is on the box, if they are wanted. */
function showPoints(view: MapView): void {
  const data = box.dataset.points;
  if (!data) return;
  view.on("load", () => {
    view.addSource("points", { type: "geojson", data: new URL(data, location.href).href });
    view.addLayer({
      id: "points",
      type: "circle",
      source: "points",
      paint: {
        "circle-radius": 6,
        "circle-color": "#865610",
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 2,
      },
    });
  });
}

async function start(): Promise<void> {
  const base = await getJson<GeoJSON.FeatureCollection>(box.dataset.base ?? "/api/map/base");
  const around = Number(box.dataset.lon);
  const north = Number(box.dataset.lat);
  const bounds = box.dataset.bounds?.split(",").map(Number) ?? [
    around - 0.01, north - 0.01, around + 0.01, north + 0.01,
  ];
  let view: MapView;
  try {
    view = new MapView({
      container: box,
      style: {
        version: 8,
        sources: { base: { type: "geojson", data: base } },
        layers: [...ground(), ...names()],
      },
      bounds: new LngLatBounds(bounds as [number, number, number, number]),
      fitBoundsOptions: { padding: 30, maxZoom: 17 },
      maxPitch: 0,
      dragRotate: false,
      attributionControl: false,
      locale: mapWords(),
    });
  } catch {
    box.textContent = words("The map could not be drawn on this device. Type the coordinates.");
    return;
  }
  view.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
  showPoints(view);
  const marker = new Marker({ color: "#a8201a", draggable: true });
  const show = () => {
    const place = typed();
    if (place) marker.setLngLat(place).addTo(view);
  };
  const take = (at: { lng: number; lat: number }) => {
    lat.value = at.lat.toFixed(DIGITS);
    lon.value = at.lng.toFixed(DIGITS);
    show();
  };
  view.on("click", (event) => take(event.lngLat));
  marker.on("dragend", () => take(marker.getLngLat()));
  for (const input of [lat, lon]) input.addEventListener("change", show);
  show();
  view.once("idle", () => box.setAttribute("data-ready", "1"));
}

void start();
