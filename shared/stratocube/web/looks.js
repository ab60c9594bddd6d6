// What a map can show of an item: true colour, one band, the date or the count of a pixel's observations. A look knows
// which assets it reads, how values become colours, and its legend.

import { bandOf, bandsOf, isNodata, kindOf, labelOf, physical } from "./bands.js";
import { colourAt, colours, css, gradient, hexColour } from "./ramps.js";

/** Dates of a period that get a colour each; beyond, a ramp. */
const MOST_DATES = 12;
/** Of the values, what is cut off at each end of a stretch. */
const TAIL = 0.02;
/** In pictures, how far above the darkest shade the brightest lies at the most, in distances to the median. */
const MIDTONE = 5;
/** Of the dark and the bright tail, where black and white are. */
const DARKEST = 0.4;
const BRIGHTEST = 1.25;
/** Lifts what is dark in pictures, as displays of photographs do. */
const GAMMA = 1.3;
const VEGETATION_RANGE = [-0.1, 0.9];

const COMPOSITES = [
  { id: "true-colour", label: "True colour", names: ["red", "green", "blue"] },
  { id: "false-colour", label: "False colour (near infrared)", names: [["nir", "nir08"], "red", "green"] },
];

/** The looks of a cube, by one of its items. */
export function looksOf(item) {
  const bands = bandsOf(item);
  const found = [];
  for (const { id, label, names } of COMPOSITES) {
    const three = names.map((name) => bands.find((band) => [name].flat().includes(band.commonName)));
    if (three.every(Boolean)) found.push({ id, label, kind: "composite", assets: three.map((band) => band.name) });
  }
  for (const band of bands) found.push({ id: band.name, label: labelOf(band), kind: kindOf(band), assets: [band.name] });
  return found;
}

export function defaultLooks(looks) {
  const first = looks.find((look) => look.kind === "composite") ?? looks[0];
  const wanted = ["provenance", "count", "classes", "vegetation"];
  const second = wanted.map((kind) => looks.find((look) => look.kind === kind)).find(Boolean);
  return [first, second ?? looks.find((look) => look !== first) ?? first];
}

/** Whether the range of colours depends on what the pixels hold. */
export function needsStretch(look) {
  return ["composite", "spectral", "other"].includes(look.kind);
}

/** Of counts: from none to one of each date of the item that has most. */
export function countRange(items) {
  return [0, Math.max(1, ...items.map((item) => item.dates.length))];
}

/** [low, high] in stored numbers out of samples: `samples` are pairs of a band and values of it. */
export function stretchOf(look, samples) {
  const values = samples.flatMap(([band, read]) => Array.from(read).filter((value) => !isNodata(band, value)));
  if (values.length === 0) return [0, 1];
  values.sort((one, other) => one - other);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  if (look.kind === "composite") return shadesOf(at);
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  return high > low ? [low, high] : [low, low + 1];
}

/** The range of a picture, by its quantiles: near zero, so that dark colours stay colours, and not up to clouds, which
 * are so much brighter than land that they would leave it dark. */
function shadesOf(at) {
  const low = at(TAIL) * DARKEST;
  const high = Math.min(at(1 - TAIL) * BRIGHTEST, low + MIDTONE * (at(0.5) - low));
  return high > low ? [low, high] : [low, low + 1];
}

/** A function (values of each asset, pixels out as RGBA) for one item. */
export function painter(look, item, stretch) {
  const bands = look.assets.map((name) => bandOf(item, name));
  if (bands.some((band) => !band)) return undefined;
  if (look.kind === "composite") return paintComposite(bands, stretch);
  const [band] = bands;
  const colour = colourOf(look, item, band, stretch);
  const known = new Map();
  return ([values], out) => {
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (isNodata(band, value)) continue;
      let found = known.get(value);
      if (found === undefined) {
        found = colour(value) ?? null;
        known.set(value, found);
      }
      if (found) out.set([found[0], found[1], found[2], 255], index * 4);
    }
  };
}

function paintComposite(bands, [low, high]) {
  const shade = (value) => 255 * Math.max(0, (value - low) / (high - low)) ** (1 / GAMMA);
  return (values, out) => {
    const [red, green, blue] = values;
    for (let index = 0; index < red.length; index += 1) {
      if (isNodata(bands[0], red[index]) || isNodata(bands[1], green[index]) || isNodata(bands[2], blue[index])) continue;
      const place = index * 4;
      // The array clamps to 0 and 255.
      out[place] = shade(red[index]);
      out[place + 1] = shade(green[index]);
      out[place + 2] = shade(blue[index]);
      out[place + 3] = 255;
    }
  };
}

function colourOf(look, item, band, stretch) {
  if (look.kind === "classes") {
    const classes = new Map(band.classes.map((one) => [one.value, hexColour(one.color_hint ?? "808080")]));
    return (value) => classes.get(value);
  }
  if (look.kind === "provenance") return dayColour(item);
  if (look.kind === "source") {
    const shades = colours("viridis", Math.max(1, item.sources.length));
    return (value) => shades[value];
  }
  const [ramp, low, high] = scaleOf(look, band, stretch);
  return (value) => colourAt(ramp, (value - low) / (high - low));
}

function scaleOf(look, band, stretch) {
  if (look.kind === "vegetation") return ["vegetation", ...VEGETATION_RANGE.map((value) => (value - band.offset) / band.scale)];
  return [{ count: "counts", spectral: "grey" }[look.kind] ?? "viridis", ...stretch];
}

// -- days of the year -------------------------------------------------------------------------------------------------

const DAY_MS = 86_400_000;

export function dayOfYear(date) {
  const moment = Date.parse(`${date}T00:00Z`);
  return Math.round((moment - Date.UTC(new Date(moment).getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}

/** The date that a day of the year is in a period, which may pass the turn of the year. */
export function dateOfDay(item, day) {
  for (const year of [Number(item.start.slice(0, 4)), Number(item.end.slice(0, 4))]) {
    const date = new Date(Date.UTC(year, 0, day)).toISOString().slice(0, 10);
    if (date >= item.start && date <= item.end) return date;
  }
  return undefined;
}

function dayColour(item) {
  const dates = [...item.dates].sort();
  if (dates.length <= MOST_DATES) {
    const shades = colours("time", dates.length);
    const known = new Map(dates.map((date, index) => [dayOfYear(date), shades[index]]));
    return (day) => known.get(day);
  }
  const [first, last] = [Date.parse(item.start), Date.parse(item.end)];
  return (day) => {
    const date = dateOfDay(item, day);
    return date && colourAt("time", (Date.parse(date) - first) / Math.max(DAY_MS, last - first));
  };
}

// -- legends ----------------------------------------------------------------------------------------------------------

/** `{swatches: [{colour, text}]}` or `{gradient, low, high}`; null for a picture in its own colours. */
export function legendOf(look, items, stretch, dateText) {
  if (look.kind === "composite") return null;
  const item = items.find((one) => bandOf(one, look.assets[0]));
  if (!item) return null;
  const band = bandOf(item, look.assets[0]);
  if (look.kind === "classes") {
    const shown = band.classes.filter((one) => one.value !== band.nodata);
    return { swatches: shown.map((one) => ({ colour: css(hexColour(one.color_hint ?? "808080")), text: words(one) })) };
  }
  if (look.kind === "source") {
    const shades = colours("viridis", Math.max(1, item.sources.length));
    return { swatches: item.sources.map((text, index) => ({ colour: css(shades[index]), text })) };
  }
  if (look.kind === "provenance") return provenanceLegend(item, dateText);
  const [ramp, low, high] = scaleOf(look, band, stretch);
  if (look.kind === "count" && high - low <= MOST_DATES) {
    const values = Array.from({ length: high }, (_, index) => index + 1);
    const some = values.map((value) => ({ colour: css(colourAt(ramp, value / high)), text: String(value) }));
    return { swatches: [{ colour: "transparent", text: "none" }, ...some] };
  }
  const text = (value) => Number(physical(band, value).toPrecision(3)).toString();
  return { gradient: gradient(ramp), low: text(low), high: `${text(high)} ${band.unit}`.trim() };
}

function words(one) {
  return (one.title ?? one.description ?? one.name).replaceAll("_", " ");
}

function provenanceLegend(item, dateText) {
  const dates = [...item.dates].sort();
  if (dates.length > MOST_DATES) return { gradient: gradient("time"), low: dateText(item.start), high: dateText(item.end) };
  const shades = colours("time", dates.length);
  return { swatches: dates.map((date, index) => ({ colour: css(shades[index]), text: dateText(date) })) };
}
