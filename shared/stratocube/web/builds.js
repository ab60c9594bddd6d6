// Builds out of the API: lists of them, one with its units, and where its tiles are.

import { call, callWhole } from "./api.js";
import { projectionOf } from "./projections.js";

/** Units and tiles that are read for the map; the counts are of all of them. */
const MOST_UNITS = 20_000;
/** Cubes whose last builds are looked for at once. */
const MOST_CUBES = 12;
const OPEN = new Set(["QUEUED", "RUNNING"]);

export function isOpen(build) {
  return OPEN.has(build.status);
}

export async function cubes() {
  const found = [];
  let next = "cubes";
  while (next) {
    const page = await callWhole(next);
    found.push(...page.body);
    next = page.next;
  }
  return found;
}

/** A page of the builds of a cube, newest first. */
export async function builds(cubeId, next) {
  const page = await callWhole(next ?? "builds", { query: next ? {} : { cube_id: cubeId, limit: 20 } });
  return { builds: page.body.builds, next: page.next };
}

/** The builds of all cubes that are open, and the newest ones of the first cubes. */
export async function latestBuilds(known) {
  const newest = known.slice(0, MOST_CUBES).map((cube) => call("builds", { query: { cube_id: cube.id, limit: 5 } }));
  const lists = await Promise.all([call("builds"), ...newest]);
  const found = new Map(lists.flatMap((list) => list.builds).map((build) => [build.build_id, build]));
  return { builds: [...found.values()].sort((one, other) => other.created_at.localeCompare(one.created_at)), next: null };
}

export function build(id) {
  return call(`builds/${encodeURIComponent(id)}`);
}

/** The units of a build, in order of tile and period. */
export async function units(id) {
  const found = [];
  let next = `builds/${encodeURIComponent(id)}/units`;
  while (next && found.length < MOST_UNITS) {
    const page = await callWhole(next);
    found.push(...page.body.units);
    next = page.next;
  }
  return { units: found, more: Boolean(next) };
}

export function cancel(id) {
  return call(`builds/${encodeURIComponent(id)}/cancel`, { method: "POST" });
}

export function retry(id) {
  return call(`builds/${encodeURIComponent(id)}/retry`, { method: "POST", body: { states: ["FAILED", "CANCELLED"] } });
}

/** The grid of a cube: the projection its map is drawn in, and the bounds of the tiles that are wanted. */
export async function gridOf(cubeId, wanted) {
  const definition = await call(`cubes/${encodeURIComponent(cubeId)}`);
  const path = `grids/${encodeURIComponent(definition.grs)}`;
  const tiles = new Map();
  let next = path;
  let crs;
  while (next && [...wanted].some((tile) => !tiles.has(tile))) {
    const page = await callWhole(next);
    crs = page.body.crs;
    for (const tile of page.body.tiles) if (wanted.has(tile.id)) tiles.set(tile.id, tile);
    next = page.next;
  }
  const projection = await projectionOf({ crs: { text: /^EPSG:\d+$/i.test(crs) ? undefined : crs, code: crs } }, async () => crs);
  return { projection, tiles };
}
