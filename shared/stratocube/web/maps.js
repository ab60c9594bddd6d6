// Two maps of the same place, side by side: what one shows, the other explains.

import { itemLayer } from "./layers.js";
import { graticule } from "./projections.js";

const { ol } = window;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class Maps {
  /** `panes` are elements with a `.map` in them; `picked` hears of places that are clicked, `failed` of errors. */
  constructor(panes, picked, failed) {
    this.failed = failed;
    this.outlines = new ol.source.Vector();
    this.lines = new ol.source.Vector();
    this.mark = new ol.source.Vector();
    this.maps = panes.map((pane) => this.mapIn(pane.querySelector(".map"), picked));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
  }

  mapIn(target, picked) {
    const products = new ol.layer.Group();
    const map = new ol.Map({
      target,
      layers: [
        new ol.layer.Vector({ source: this.lines, style: lineStyle, updateWhileInteracting: true }),
        products,
        new ol.layer.Vector({ source: this.outlines, style: outlineStyle }),
        new ol.layer.Vector({ source: this.mark, style: markStyle }),
      ],
      controls: ol.control.defaults.defaults({ attribution: false, rotate: false }).extend([
        new ol.control.ScaleLine({ minWidth: 80 }),
      ]),
    });
    map.on("rendercomplete", () => {
      if (map.get("shown")) target.setAttribute("aria-busy", "false");
    });
    // Where the map is, for who wants to know from outside.
    map.on("moveend", () => {
      const view = map.getView();
      target.dataset.center = view.getCenter().join(",");
      target.dataset.resolution = view.getResolution();
    });
    map.on("singleclick", (event) => picked(event.coordinate));
    // The keyboard picks what the cross in the middle is on.
    target.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        picked(map.getView().getCenter());
      }
    });
    map.set("products", products);
    return map;
  }

  /** One view for both maps: where one is moved, the other goes too. */
  look(projection, extent, finest) {
    const view = new ol.View({
      projection,
      // A quarter of the finest pixel size: larger says nothing more.
      minResolution: finest / 16,
      maxResolution: Math.max(ol.extent.getWidth(extent), ol.extent.getHeight(extent)) / 64,
      extent: ol.extent.buffer(extent, Math.max(ol.extent.getWidth(extent), ol.extent.getHeight(extent))),
      constrainOnlyCenter: true,
      showFullExtent: true,
      center: ol.extent.getCenter(extent),
      resolution: finest,
    });
    for (const map of this.maps) {
      map.setView(view);
      // The page may have hidden them until now.
      map.updateSize();
    }
    this.fit(extent);
  }

  fit(extent) {
    const [map] = this.maps;
    map.getView().fit(extent, { size: map.getSize(), padding: [16, 16, 28, 16] });
  }

  /** What does not change with time: outlines of tiles and lines of longitude and latitude. */
  frame(items, projection) {
    const tiles = new Map(items.map((item) => [item.tile, item]));
    this.outlines.clear();
    for (const item of tiles.values()) {
      this.outlines.addFeature(new ol.Feature({ geometry: box(item.extent), label: item.tile }));
    }
    this.lines.clear();
    const shown = [...tiles.values()];
    const extent = shown.reduce((all, item) => ol.extent.extend(all, item.extent), ol.extent.createEmpty());
    this.lines.addFeatures(graticule(shown.map((item) => item.bbox), extent, projection));
  }

  /** The map of this number shows something else soon. */
  busy(number) {
    this.maps[number].set("shown", false);
    this.maps[number].getTargetElement().setAttribute("aria-busy", "true");
  }

  /** Show items in a look on the map of this number. */
  show(number, items, look, stretch, projection) {
    const layers = items.map((item) => itemLayer(item, look, stretch, projection, this.failed)).filter(Boolean);
    this.busy(number);
    this.maps[number].set("shown", true);
    this.maps[number].get("products").setLayers(new ol.Collection(layers));
  }

  /** Mark a pixel, or none. */
  markPixel(extent) {
    this.mark.clear();
    if (extent) this.mark.addFeature(new ol.Feature(box(extent)));
  }

  restyle() {
    for (const source of [this.lines, this.outlines, this.mark]) source.changed();
  }
}

function box([west, south, east, north]) {
  const corners = [[west, south], [west, north], [east, north], [east, south], [west, south]];
  return new ol.geom.Polygon([corners]);
}

function text(label, options = {}) {
  return new ol.style.Text({
    text: label,
    font: "12px system-ui, sans-serif",
    fill: new ol.style.Fill({ color: colour("--map-label") }),
    stroke: new ol.style.Stroke({ color: colour("--map-background"), width: 3 }),
    ...options,
  });
}

function lineStyle(feature) {
  if (!feature.get("label")) {
    return new ol.style.Style({ stroke: new ol.style.Stroke({ color: colour("--map-line"), width: 1 }) });
  }
  const below = { textBaseline: "top", textAlign: "center", offsetY: 5 };
  const beside = { textBaseline: "middle", textAlign: "end", offsetX: -6 };
  return new ol.style.Style({ text: text(feature.get("label"), feature.get("axis") === 1 ? below : beside) });
}

function outlineStyle(feature) {
  return new ol.style.Style({
    stroke: new ol.style.Stroke({ color: colour("--map-outline"), width: 1.5 }),
    text: text(feature.get("label"), { overflow: false, offsetY: 0, placement: "point" }),
  });
}

function markStyle() {
  const ring = (width, shade) => new ol.style.Style({ stroke: new ol.style.Stroke({ color: shade, width }) });
  const cross = (width, shade) =>
    new ol.style.Style({
      geometry: (feature) => new ol.geom.Point(ol.extent.getCenter(feature.getGeometry().getExtent())),
      image: new ol.style.RegularShape({
        points: 4,
        radius: 11,
        radius2: 0,
        stroke: new ol.style.Stroke({ color: shade, width }),
      }),
    });
  return [ring(4, "#000"), cross(4, "#000"), ring(2, "#fff"), cross(2, "#fff")];
}
