// Maps are drawn in the cube's own grid, so pixels stay as they are. Its CRS is needed for longitudes and latitudes only.

const { ol, proj4 } = window;

/** Names under which CRSs were registered, by what defines them. */
const names = new Map();

/** The projection of an item. `gridCrs` (async) gives the text of its grid's CRS, for a code that is not built in. */
export async function projectionOf(item, gridCrs) {
  const { code, text, json } = item.crs;
  const definition = text ?? (json ? JSON.stringify(json) : undefined) ?? code ?? "";
  if (names.has(definition)) return ol.proj.get(names.get(definition));
  const name = `CUBE:${names.size + 1}`;
  const usable = json ?? text ?? proj4.defs(code ?? "") ?? (await textOfGrid(item, gridCrs));
  names.set(definition, name);
  if (usable && understood(name, usable)) {
    ol.proj.proj4.register(proj4);
    const found = ol.proj.get(name);
    if (found) return found;
  }
  // Of an unknown CRS the pixels can still be seen, in the order they lie in.
  const plain = new ol.proj.Projection({ code: name, units: "m" });
  ol.proj.addProjection(plain);
  return plain;
}

async function textOfGrid(item, gridCrs) {
  if (!item.crs.grid) return undefined;
  try {
    const text = await gridCrs(item.crs.grid);
    return /^EPSG:\d+$/i.test(text ?? "") ? proj4.defs(text) : text;
  } catch {
    return undefined;
  }
}

function understood(name, definition) {
  try {
    proj4.defs(name, definition);
    return proj4("EPSG:4326", name).forward([0, 0]) !== undefined;
  } catch {
    return false;
  }
}

/** [longitude, latitude] of a place on the map, or undefined where the CRS is not known. */
export function lonLat(coordinate, projection) {
  try {
    const found = proj4(projection.getCode(), "EPSG:4326").forward([...coordinate]);
    return found.every(Number.isFinite) ? found : undefined;
  } catch {
    return undefined;
  }
}

function onMap(coordinate, projection) {
  return proj4("EPSG:4326", projection.getCode()).forward([...coordinate]);
}

/**
 * Lines of equal longitude and latitude around boxes of degrees ([west, south, east, north]), as features; each has
 * its label at the lower or left edge of `extent`, where no pixels hide it.
 */
export function graticule(boxes, extent, projection) {
  const [west, south, east, north] = boxes.reduce((all, box) => [
    Math.min(all[0], box[0]),
    Math.min(all[1], box[1]),
    Math.max(all[2], box[2]),
    Math.max(all[3], box[3]),
  ]);
  if (lonLat(ol.extent.getCenter(extent), projection) === undefined) return [];
  const margin = Math.max(east - west, north - south);
  const step = niceStep(margin / 3);
  const longitudes = ticks(Math.max(-180, west - margin), Math.min(180, east + margin), step);
  const latitudes = ticks(Math.max(-85, south - margin), Math.min(85, north + margin), step);
  const meridian = (longitude) => along(latitudes, (latitude) => onMap([longitude, latitude], projection));
  const parallel = (latitude) => along(longitudes, (longitude) => onMap([longitude, latitude], projection));
  return [
    ...longitudes.flatMap((value) => labelled(meridian(value), 1, extent[1], degrees(value, "E", "W", step))),
    ...latitudes.flatMap((value) => labelled(parallel(value), 0, extent[0], degrees(value, "N", "S", step))),
  ];
}

/** 65 points between the first and the last of `values`. */
function along(values, point) {
  const [first, last] = [values[0], values[values.length - 1]];
  return Array.from({ length: 65 }, (_, index) => point(first + ((last - first) * index) / 64)).filter((place) =>
    place.every(Number.isFinite),
  );
}

/** A line, and its label where coordinate `axis` of it passes `edge`. */
function labelled(points, axis, edge, label) {
  if (points.length < 2) return [];
  const line = new ol.Feature({ geometry: new ol.geom.LineString(points) });
  const index = points.findIndex((point, at) => at > 0 && (points[at - 1][axis] < edge) !== (point[axis] < edge));
  if (index < 0) return [line];
  const [one, other] = [points[index - 1], points[index]];
  const share = (edge - one[axis]) / (other[axis] - one[axis]);
  const place = one.map((value, at) => value + (other[at] - value) * share);
  return [line, new ol.Feature({ geometry: new ol.geom.Point(place), label, axis })];
}

function niceStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw * 0.999);
}

function ticks(from, to, step) {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(2, Math.floor(to / step) - first + 1) }, (_, index) => (first + index) * step);
}

export function degrees(value, positive, negative, step = 0.0001) {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
}
