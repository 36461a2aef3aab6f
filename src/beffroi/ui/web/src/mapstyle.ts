// How the town is drawn: its own streets quietly below, its assets above. No tile server.
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { theme } from "./marks";
import type { Town } from "./town";
import { words } from "./words";

const FONT = ['"Source Sans 3 Variable"']; // quoted: a name with a digit in it
const LOOK = {
  light: {
    paper: "#f1ede4",
    square: "#e4dccb",
    house: "#e0d9cb",
    houseEdge: "#d2c9b7",
    river: "#b9d2dd",
    street: "#ffffff",
    edge: "#d5ccba",
    pipe: "#9db9c6",
    text: "#5b5648",
    ink: "#1b2530",
    halo: "#f7f4ee",
    chosen: "#0a58b5",
  },
  dark: {
    paper: "#141c23",
    square: "#1d2831",
    house: "#1f2a34",
    houseEdge: "#2a3742",
    river: "#1d3a4b",
    street: "#313f4b",
    edge: "#0f161b",
    pipe: "#31505f",
    text: "#9fabb5",
    ink: "#e9edf0",
    halo: "#141c23",
    chosen: "#8cc4ff",
  },
};

function byZoom(...stops: number[]): ExpressionSpecification {
  return ["interpolate", ["exponential", 1.6], ["zoom"], ...stops] as ExpressionSpecification;
}

export function mapStyle(
  town: Town,
  base: GeoJSON.FeatureCollection,
  shapes: GeoJSON.FeatureCollection,
): StyleSpecification {
  return {
    version: 8,
    sources: {
      base: { type: "geojson", data: base },
      shapes: { type: "geojson", data: shapes },
      chosen: { type: "geojson", data: town.chosenPoint() },
      assets: { type: "geojson", data: town.drawn() },
    },
    layers: [...ground(), ...names(), ...objects(town)],
  };
}

export function ground(): LayerSpecification[] {
  const at = LOOK[theme()];
  const is = (kind: string): ExpressionSpecification => ["==", ["get", "class"], kind];
  const rank: ExpressionSpecification = ["coalesce", ["get", "rank"], 2];
  const width = (extra: number): ExpressionSpecification =>
    ["interpolate", ["exponential", 1.7], ["zoom"],
      12, ["+", extra / 2, ["case", ["<", rank, 1], 2, 0.8]],
      15, ["+", extra, ["case", ["<", rank, 1], 6, ["<", rank, 2], 4.5, 3]],
      18, ["+", extra, ["case", ["<", rank, 1], 30, ["<", rank, 2], 22, 14]],
    ] as ExpressionSpecification;
  const round = { "line-cap": "round", "line-join": "round" } as const;
  return [
    { id: "paper", type: "background", paint: { "background-color": at.paper } },
    { id: "river", type: "line", source: "base", filter: is("river"), layout: round,
      paint: { "line-color": at.river, "line-width": byZoom(12, 4, 15, 14, 18, 60) } },
    { id: "square", type: "fill", source: "base", filter: is("square"),
      paint: { "fill-color": at.square } },
    { id: "house", type: "fill", source: "base", filter: is("building"), minzoom: 13,
      paint: { "fill-color": at.house, "fill-outline-color": at.houseEdge } },
    { id: "edge", type: "line", source: "base", filter: is("street"), layout: round,
      paint: { "line-color": at.edge, "line-width": width(2) } },
    { id: "street", type: "line", source: "base", filter: is("street"), layout: round,
      paint: { "line-color": at.street, "line-width": width(0) } },
    { id: "pipe", type: "line", source: "base", filter: is("pipe"), minzoom: 14, layout: round,
      paint: { "line-color": at.pipe, "line-width": 1.5, "line-dasharray": [3, 2] } },
  ];
}

export function names(): LayerSpecification[] {
  const at = LOOK[theme()];
  const paint = { "text-color": at.text, "text-halo-color": at.halo, "text-halo-width": 1.4 };
  return [
    { id: "street-name", type: "symbol", source: "base", minzoom: 15,
      filter: ["in", ["get", "class"], ["literal", ["street", "river"]]],
      layout: { "symbol-placement": "line", "text-field": ["coalesce", ["get", "name"], ""],
        "text-font": FONT, "text-size": 12, "symbol-spacing": 400 },
      paint },
    { id: "place-name", type: "symbol", source: "base", minzoom: 14.5,
      filter: ["in", ["get", "class"], ["literal", ["building", "square"]]],
      layout: { "text-field": ["coalesce", ["get", "name"], ""], "text-font": FONT,
        "text-size": 12.5, "text-max-width": 8 },
      paint },
  ];
}

function objects(town: Town): LayerSpecification[] {
  const at = LOOK[theme()];
  const names = Object.keys(town.catalogue);
  const colour = ["match", ["get", "d"],
    ...names.flatMap((name) => [name, town.catalogue[name]?.colour ?? at.text]), at.text,
  ] as unknown as ExpressionSpecification;
  const urgent: ExpressionSpecification = ["match", ["get", "state"], "grave", 3, "warning", 2, 1];
  const size: ExpressionSpecification = ["interpolate", ["linear"], ["zoom"],
    12, ["match", ["get", "state"], ["grave", "warning"], 0.75, 0.15],
    14, ["match", ["get", "state"], ["grave", "warning"], 0.85, 0.3],
    15, ["match", ["get", "state"], ["grave", "warning"], 0.95, 0.5],
    17, ["match", ["get", "state"], ["grave", "warning"], 1.1, 0.85],
  ];
  const single: ExpressionSpecification = ["has", "i"];
  return [
    { id: "shapes-area", type: "fill", source: "shapes",
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": colour, "fill-opacity": 0.15 } },
    { id: "shapes-line", type: "line", source: "shapes",
      layout: { "line-cap": "round" },
      paint: { "line-color": colour, "line-width": byZoom(12, 1, 17, 4), "line-opacity": 0.6 } },
    { id: "chosen", type: "circle", source: "chosen",
      paint: { "circle-radius": 21, "circle-color": at.chosen, "circle-opacity": 0.18,
        "circle-stroke-color": at.chosen, "circle-stroke-width": 3 } },
    { id: "groups", type: "circle", source: "assets", filter: ["!", single],
      paint: { "circle-color": colour,
        "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "c"]], 1, 8, 40, 30],
        "circle-stroke-width": ["case", [">", ["get", "g"], 0], 4, 1.5],
        "circle-stroke-color": ["case", [">", ["get", "g"], 0], "#b3261e", at.halo] } },
    { id: "group-count", type: "symbol", source: "assets", filter: ["!", single],
      layout: { "text-field": ["to-string", ["get", "c"]], "text-font": FONT, "text-size": 12 },
      paint: { "text-color": "#ffffff", "text-halo-color": "#1b2530", "text-halo-width": 1 } },
    { id: "assets", type: "symbol", source: "assets", filter: single,
      layout: { "icon-image": ["get", "mark"], "icon-size": size, "icon-allow-overlap": true,
        "icon-ignore-placement": true, "symbol-sort-key": urgent } },
    { id: "asset-name", type: "symbol", source: "assets", filter: single, minzoom: 17,
      layout: { "text-field": ["get", "n"], "text-font": FONT, "text-size": 12,
        "text-anchor": "top", "text-offset": [0, 1.2], "text-max-width": 9 },
      paint: { "text-color": at.ink, "text-halo-color": at.halo, "text-halo-width": 1.6 } },
  ];
}

/** What a map says of itself and of its buttons. */
export function mapWords(): Record<string, string> {
  return {
    "Map.Title": words("Map of the commune"),
    "NavigationControl.ZoomIn": words("Zoom in"),
    "NavigationControl.ZoomOut": words("Zoom out"),
  };
}
