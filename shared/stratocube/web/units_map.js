// Where a build's units are: its tiles in the colour of how far they are.

import { graticule } from "./projections.js";

const { ol } = window;

/** Worst first: what a tile shows that has units of several states. */
export const STATES = [
  { status: "FAILED", text: "failed", colour: "#d1495b" },
  { status: "RUNNING", text: "running", colour: "#f0a202" },
  { status: "PLANNED", text: "waiting", colour: "#9aa7b8" },
  { status: "CANCELLED", text: "cancelled", colour: "#6d6875" },
  { status: "SUCCEEDED", text: "done", colour: "#3a9d6e" },
];

export function stateOf(units) {
  return STATES.find((state) => units.some((unit) => unit.status === state.status)) ?? STATES[2];
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class UnitsMap {
  constructor(target, told) {
    this.tiles = new ol.source.Vector();
    this.lines = new ol.source.Vector();
    this.map = new ol.Map({
      target,
      layers: [
        new ol.layer.Vector({ source: this.lines, style: lineStyle }),
        new ol.layer.Vector({ source: this.tiles, style: tileStyle, declutter: true }),
      ],
      controls: ol.control.defaults.defaults({ attribution: false, rotate: false }),
    });
    this.map.on("pointermove", (event) => {
      const feature = this.map.forEachFeatureAtPixel(event.pixel, (found) => (found.get("words") ? found : undefined));
      told(feature?.get("words") ?? "");
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.tiles.changed();
      this.lines.changed();
    });
  }

  /** The tiles of a grid; the view is fitted to them. */
  place({ projection, tiles }) {
    this.tiles.clear();
    this.lines.clear();
    if (tiles.size === 0) return;
    for (const [id, tile] of tiles) {
      const feature = new ol.Feature({ geometry: box(tile.bounds), label: id });
      feature.setId(id);
      this.tiles.addFeature(feature);
    }
    const extent = this.tiles.getExtent();
    const side = Math.max(ol.extent.getWidth(extent), ol.extent.getHeight(extent));
    this.lines.addFeatures(graticule([...tiles.values()].map((tile) => degreesOf(tile.footprint)), extent, projection));
    const view = new ol.View({
      projection,
      center: ol.extent.getCenter(extent),
      resolution: side / 256,
      minResolution: side / 20_000,
      maxResolution: side / 64,
      extent: ol.extent.buffer(extent, side),
      constrainOnlyCenter: true,
      showFullExtent: true,
    });
    this.map.setView(view);
    this.map.updateSize();
    view.fit(extent, { size: this.map.getSize(), padding: [16, 16, 28, 48] });
  }

  /** Colour the tiles by their units (a Map from tile to units). */
  colour(units) {
    for (const feature of this.tiles.getFeatures()) {
      const own = units.get(feature.getId()) ?? [];
      const state = own.length ? stateOf(own) : undefined;
      feature.set("colour", state?.colour);
      feature.set("words", own.length ? `Tile ${feature.getId()}: ${counted(own)}` : "");
    }
  }
}

/** `2 done, 1 failed`. */
export function counted(units) {
  return STATES.map(({ status, text }) => [units.filter((unit) => unit.status === status).length, text])
    .filter(([count]) => count)
    .map(([count, text]) => `${count} ${text}`)
    .join(", ");
}

function box([west, south, east, north]) {
  const corners = [[west, south], [west, north], [east, north], [east, south], [west, south]];
  return new ol.geom.Polygon([corners]);
}

/** The box of a footprint in degrees. */
function degreesOf(footprint) {
  const points = footprint.coordinates.flat(Infinity);
  const [longitudes, latitudes] = [0, 1].map((axis) => points.filter((_, index) => index % 2 === axis));
  return [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)];
}

function words(label, options = {}) {
  return new ol.style.Text({
    text: label,
    font: "12px system-ui, sans-serif",
    fill: new ol.style.Fill({ color: colour("--map-label") }),
    stroke: new ol.style.Stroke({ color: colour("--map-background"), width: 3 }),
    ...options,
  });
}

function tileStyle(feature) {
  return new ol.style.Style({
    fill: new ol.style.Fill({ color: feature.get("colour") ?? "rgb(128 128 128 / 15%)" }),
    stroke: new ol.style.Stroke({ color: colour("--map-outline"), width: 1 }),
    text: words(feature.get("label")),
  });
}

function lineStyle(feature) {
  if (!feature.get("label")) {
    return new ol.style.Style({ stroke: new ol.style.Stroke({ color: colour("--map-line"), width: 1 }) });
  }
  const below = { textBaseline: "top", textAlign: "center", offsetY: 5 };
  const beside = { textBaseline: "middle", textAlign: "end", offsetX: -6 };
  return new ol.style.Style({ text: words(feature.get("label"), feature.get("axis") === 1 ? below : beside) });
}
