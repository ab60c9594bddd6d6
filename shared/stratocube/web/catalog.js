// Cubes and their items out of the STAC API: what there is, where and when.

import { call, callWhole } from "./api.js";

/** Items of one cube the viewer takes at once; beyond it asks for dates. */
export const MOST_ITEMS = 1000;
const PAGE = 100;

export async function collections() {
  const found = [];
  let next = "stac/collections";
  while (next) {
    const page = await callWhole(next);
    found.push(...(page.body.collections ?? []));
    next = page.next;
  }
  return found.sort((one, other) => one.id.localeCompare(other.id));
}

/** The cube: its collection, items grouped by period (oldest first), and whether there are more than taken. */
export async function cube(collection, { from, to } = {}) {
  const items = [];
  const datetime = from || to ? `${from ? `${from}T00:00:00Z` : ".."}/${to ? `${to}T23:59:59Z` : ".."}` : undefined;
  let next = `stac/collections/${encodeURIComponent(collection.id)}/items`;
  let query = { limit: PAGE, datetime };
  while (next && items.length < MOST_ITEMS) {
    const page = await callWhole(next, { query });
    items.push(...page.body.features.map((feature) => product(collection, feature)));
    next = page.next;
    query = {};
  }
  return { collection, items, periods: periodsOf(items), more: Boolean(next) };
}

/** What the viewer needs of an item. */
function product(collection, feature) {
  const properties = feature.properties;
  const start = (properties.start_datetime ?? properties.datetime).slice(0, 10);
  const end = (properties.end_datetime ?? properties.datetime).slice(0, 10);
  const [rows, columns] = properties["proj:shape"];
  const [a, , west, , e, north] = properties["proj:transform"];
  return {
    id: feature.id,
    collection: collection.id,
    // A composite stands for its period, an item of a date for the day.
    isComposite: "stratocube:composite_function" in properties,
    start,
    end,
    tile: properties["bdc:tiles"]?.[0] ?? properties["grid:code"] ?? feature.id,
    shape: [rows, columns],
    pixel: [a, -e],
    extent: [west, north + rows * e, west + columns * a, north],
    geometry: feature.geometry,
    bbox: feature.bbox,
    crs: {
      code: properties["proj:code"],
      text: properties["proj:wkt2"],
      json: properties["proj:projjson"],
      grid: properties["stratocube:grid"],
    },
    cloudCover: properties["eo:cloud_cover"],
    dates: properties["stratocube:dates"] ?? [],
    sources: properties["stratocube:sources"] ?? [],
    empty: properties["stratocube:empty"] === true,
    assets: feature.assets,
  };
}

function periodsOf(items) {
  const groups = new Map();
  for (const item of items) {
    const start = item.start;
    const key = item.isComposite ? `${start}/${item.end}` : start;
    if (!groups.has(key)) groups.set(key, { key, start, end: item.isComposite ? item.end : start, items: [] });
    groups.get(key).items.push(item);
  }
  return [...groups.values()].sort((one, other) => one.key.localeCompare(other.key));
}

/** The text of a grid's CRS as its creator gave it: an EPSG code, a PROJ string or WKT. */
export async function gridCrs(name) {
  return (await call(`grids/${encodeURIComponent(name)}`, { query: { limit: 1 } })).crs;
}

export function periodText(period, locale) {
  const day = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" };
  const format = new Intl.DateTimeFormat(locale, day);
  const [start, end] = [new Date(`${period.start}T00:00Z`), new Date(`${period.end}T00:00Z`)];
  return period.start === period.end ? format.format(start) : format.formatRange(start, end);
}
