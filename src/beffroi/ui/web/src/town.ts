// The assets as the map page knows them: what the server said, then what the stream adds.
import type { Readings } from "./app";
import { condition, getJson } from "./words";
import type { Catalogue, Condition, Kind } from "./words";

export interface Asset {
  i: string;
  n: string;
  d: string;
  k: string;
  s: number;
  t?: number;
  v?: number;
  q?: number;
}
interface Group {
  d: string;
  c: number;
  g: number;
  w: number;
}
interface Answer {
  grouped: boolean;
  bounds: [number, number, number, number] | null;
  now: number;
  features: GeoJSON.Feature<GeoJSON.Point, Asset | Group>[];
}
const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

export class Town {
  bounds: Answer["bounds"] = null;
  partial = false; // too many assets for one answer: ask again when the view moves
  grouped = false;
  chosen = "";
  readonly hidden = new Set<string>();
  readonly assets = new Map<string, Asset>();
  private readonly places = new Map<string, [number, number]>();
  private groups: Answer["features"] = [];
  private skew_ms = 0; // the hub's clock minus ours

  constructor(readonly catalogue: Catalogue) {}

  async load(bbox: string): Promise<void> {
    const answer = await getJson<Answer>(`/api/map?bbox=${bbox}`);
    this.bounds = answer.bounds;
    this.skew_ms = answer.now - Date.now();
    this.grouped = answer.grouped;
    this.partial ||= answer.grouped;
    this.groups = answer.grouped ? answer.features : [];
    this.assets.clear();
    if (answer.grouped) return;
    for (const feature of answer.features) {
      const asset = feature.properties as Asset;
      this.assets.set(asset.i, asset);
      this.places.set(asset.i, feature.geometry.coordinates as [number, number]);
    }
  }

  kind(asset: Asset): Kind | undefined {
    return this.catalogue[asset.d]?.kinds[asset.k];
  }

  condition(asset: Asset): Condition {
    const kind = this.kind(asset);
    const stale_s = kind?.properties[kind.headline]?.stale_s ?? 0;
    return condition(asset.s, asset.t, stale_s, Date.now() + this.skew_ms);
  }

  place(id: string): [number, number] | undefined {
    return this.places.get(id);
  }

  /** Whether anything that is drawn changed. */
  take(news: Readings): boolean {
    let changed = false;
    for (const [id, values] of Object.entries(news)) {
      const asset = this.assets.get(id);
      const headline = asset && this.kind(asset)?.headline;
      const reading = headline ? values[headline] : undefined;
      if (!asset || !reading) continue;
      [asset.t, asset.v, asset.q] = reading;
      changed = true;
    }
    return changed;
  }

  /** At once; what ends is read again from the hub, for another alarm may still hold. */
  raise(alarm: Record<string, unknown>): void {
    const asset = this.assets.get(String(alarm.asset));
    if (asset && alarm.active) asset.s = Math.max(asset.s, Number(alarm.severity));
  }

  drawn(): GeoJSON.FeatureCollection {
    if (this.grouped) {
      const kept = this.groups.filter((group) => !this.hidden.has(group.properties.d));
      return { ...EMPTY, features: kept };
    }
    const features: GeoJSON.Feature[] = [];
    for (const asset of this.assets.values()) {
      if (this.hidden.has(asset.d)) continue;
      const state = this.condition(asset);
      features.push({
        type: "Feature",
        geometry: { type: "Point", coordinates: this.place(asset.i) ?? [0, 0] },
        properties: { ...asset, state, mark: `${asset.d}|${state}` },
      });
    }
    return { ...EMPTY, features };
  }

  chosenPoint(): GeoJSON.FeatureCollection {
    const place = this.place(this.chosen);
    if (!place) return EMPTY;
    const geometry: GeoJSON.Point = { type: "Point", coordinates: place };
    return { ...EMPTY, features: [{ type: "Feature", geometry, properties: {} }] };
  }
}
