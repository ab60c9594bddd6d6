// What one pixel holds in every period: read from the COGs, a few files at a time.

import { bandOf, isNodata, physical } from "./bands.js";
import { readPixel } from "./cogs.js";
import { pixelAt } from "./layers.js";
import { dateOfDay } from "./looks.js";

/** Files read at the same time: what a browser asks one host for at once. */
const AT_ONCE = 6;

/** The item of a period that shows a place: the first, where tiles overlap. */
export function itemAt(items, coordinate) {
  return items.find((item) => pixelAt(item, coordinate));
}

/**
 * The asset's values at a place, one entry a period that covers it:
 * `{period, item, stored, value, day, clear, total}`; `value` is undefined for nodata. `told` hears how many are read.
 */
export async function pixelSeries(periods, coordinate, asset, { signal, told }) {
  const wanted = periods
    .map((period) => ({ period, item: itemAt(period.items, coordinate) }))
    .filter(({ item }) => item && bandOf(item, asset));
  const found = new Array(wanted.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < wanted.length) {
      const index = next;
      next += 1;
      signal.throwIfAborted();
      found[index] = await observation(wanted[index], coordinate, asset);
      done += 1;
      told(done, wanted.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, wanted.length) }, work));
  signal.throwIfAborted();
  return found;
}

async function observation({ period, item }, coordinate, asset) {
  const [column, row] = pixelAt(item, coordinate);
  const read = async (name) => {
    const band = bandOf(item, name);
    if (!band) return undefined;
    const value = await readPixel(item, name, column, row);
    return { band, value, isNodata: isNodata(band, value) };
  };
  const [measured, day, clear, total] = await Promise.all([asset, "PROVENANCE", "CLEAROB", "TOTALOB"].map(read));
  return {
    period,
    item,
    stored: measured.value,
    value: measured.isNodata ? undefined : physical(measured.band, measured.value),
    day: day && !day.isNodata ? dateOfDay(item, day.value) : undefined,
    // Zero is their nodata, and what they say.
    clear: clear?.value,
    total: total?.value,
  };
}
