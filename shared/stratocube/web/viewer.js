// The viewer: a cube's composites on two maps, a slider over its periods, and a pixel through time.

import { setApiKey } from "./api.js";
import { bandOf, bandsOf, isMeasured, kindOf, labelOf } from "./bands.js";
import { collections, cube as readCube, gridCrs, MOST_ITEMS, periodText } from "./catalog.js";
import { drawChart, fillTable } from "./chart.js";
import { closeAll, readCoarsest } from "./cogs.js";
import { askForKey, withKey } from "./key_form.js";
import { pixelAt, pixelExtent } from "./layers.js";
import { countRange, defaultLooks, legendOf, looksOf, needsStretch, stretchOf } from "./looks.js";
import { Maps } from "./maps.js";
import { degrees, lonLat, projectionOf } from "./projections.js";
import { itemAt, pixelSeries } from "./series.js";

/** Tiles whose values make a stretch. */
const SAMPLED_TILES = 6;
const SIDES = ["left", "right"];

const $ = (id) => document.getElementById(id);
const panes = SIDES.map($);
const dateText = (date) => periodText({ start: date, end: date });

const state = {
  cube: null,
  projection: null,
  looks: [],
  chosen: [null, null],
  stretches: new Map(),
  period: 0,
  place: null,
  series: null,
};
let drawing = 0;
let reading = new AbortController();

const maps = new Maps(panes, pick, (error) => say(error.message, { bad: true }));

// -- words ------------------------------------------------------------------------------------------------------------

function say(text, { bad = false } = {}) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function nothing(heading, text) {
  const title = document.createElement("h2");
  title.textContent = heading;
  const words = document.createElement("p");
  words.textContent = text;
  $("empty").replaceChildren(title, words);
  $("empty").hidden = false;
  $("content").hidden = true;
}

/** Runs what a user asked for and says so where it fails. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, { bad: true });
  }
}

// -- the address holds what is shown, so that it can be passed on -----------------------------------------------------

function fromAddress() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

function toAddress() {
  if (!state.cube) return;
  const said = new URLSearchParams({ cube: state.cube.collection.id, period: currentPeriod().key });
  SIDES.forEach((side, number) => said.set(side, state.chosen[number].id));
  if (state.place) said.set("at", state.place.map((value) => Number(value.toFixed(6))).join(","));
  for (const name of ["from", "to"]) if ($("dates")[name].value) said.set(name, $("dates")[name].value);
  history.replaceState(null, "", `#${said}`);
}

// -- loading ----------------------------------------------------------------------------------------------------------

function currentPeriod() {
  return state.cube.periods[state.period];
}

async function begin() {
  say("Looking for cubes …");
  const found = await withKey(collections);
  const select = $("cube");
  const wanted = fromAddress();
  if (found.length === 0) {
    say("");
    select.hidden = true;
    nothing("No cube has products yet", "Build one: its composites show up here as soon as they are published.");
    return;
  }
  select.replaceChildren(
    ...found.map((one) => new Option(one.title && one.title !== one.id ? `${one.id} · ${one.title}` : one.id, one.id)),
  );
  select.disabled = false;
  select.hidden = false;
  select.onchange = () => attempt(() => open(found.find((one) => one.id === select.value)));
  const first = found.find((one) => one.id === wanted.cube) ?? found.find((one) => one.item_assets?.CLEAROB) ?? found[0];
  select.value = first.id;
  for (const name of ["from", "to"]) $("dates")[name].value = wanted[name] ?? "";
  await open(first, wanted);
}

async function open(collection, wanted = {}) {
  say(`Reading ${collection.id} …`);
  closeAll();
  const [from, to] = ["from", "to"].map((name) => $("dates")[name].value);
  const cube = await withKey(() => readCube(collection, { from, to }));
  if (cube.items.length === 0) {
    say("");
    nothing(`${collection.id} has no items${from || to ? " in these dates" : ""}`, "Build some units of it, or choose another cube.");
    $("content").hidden = !(from || to);
    return;
  }
  $("empty").hidden = true;
  $("content").hidden = false;
  const projection = await projectionOf(cube.items[0], gridCrs);
  Object.assign(state, { cube, projection, stretches: new Map(), place: null, series: null });
  const known = cube.periods.findIndex((period) => period.key === wanted.period);
  state.period = known >= 0 ? known : cube.periods.length - 1;
  prepareLooks(wanted);
  prepareBands();
  $("period").max = cube.periods.length - 1;
  maps.look(projection, extentOf(cube.items), Math.min(...cube.items.map((item) => item.pixel[0])));
  maps.frame(cube.items, projection);
  showPixel();
  await showPeriod();
  if (wanted.at) await pick(wanted.at.split(",").map(Number));
}

function extentOf(items) {
  const extents = items.map((item) => item.extent);
  const of = (choose, index) => choose(...extents.map((extent) => extent[index]));
  return [of(Math.min, 0), of(Math.min, 1), of(Math.max, 2), of(Math.max, 3)];
}

function prepareLooks(wanted) {
  state.looks = looksOf(state.cube.items.find((item) => !item.empty) ?? state.cube.items[0]);
  const first = defaultLooks(state.looks);
  state.chosen = SIDES.map((side, number) => state.looks.find((look) => look.id === wanted[side]) ?? first[number]);
  panes.forEach((pane, number) => {
    const select = pane.querySelector(".look");
    select.replaceChildren(...state.looks.map((look) => new Option(look.label, look.id)));
    select.value = state.chosen[number].id;
  });
}

function prepareBands() {
  const bands = bandsOf(state.cube.items[0]).filter(isMeasured);
  const before = $("measured").value;
  $("measured").replaceChildren(...bands.map((band) => new Option(labelOf(band), band.name)));
  const first = bands.find((band) => band.name === before) ?? bands.find((band) => kindOf(band) === "vegetation") ?? bands[0];
  if (first) $("measured").value = first.name;
}

// -- maps -------------------------------------------------------------------------------------------------------------

async function showPeriod() {
  const period = currentPeriod();
  $("period").value = state.period;
  const text = periodText(period);
  $("period").setAttribute("aria-valuetext", text);
  $("period-text").textContent = text;
  $("earlier").disabled = state.period === 0;
  $("later").disabled = state.period === state.cube.periods.length - 1;
  say(summary(period));
  toAddress();
  markCurrent();
  await Promise.all(panes.map((_, number) => showPane(number)));
}

function summary(period) {
  const { items, more, periods } = state.cube;
  const clouds = period.items.map((item) => item.cloudCover).filter((value) => value !== undefined);
  const parts = [`Period ${state.period + 1} of ${periods.length}`, `${period.items.length} of ${new Set(items.map((item) => item.tile)).size} tiles`];
  if (clouds.length) parts.push(`${(clouds.reduce((sum, value) => sum + value, 0) / clouds.length).toFixed(1)} % cloud`);
  if (period.items.every((item) => item.empty)) parts.push("empty: no scene was found for this period");
  if (more) parts.push(`the first ${MOST_ITEMS} items of the cube; choose dates to see others`);
  return `${parts.join(" · ")}.`;
}

async function showPane(number, { refit = false } = {}) {
  const look = state.chosen[number];
  const { items } = currentPeriod();
  drawing += 1;
  const mine = drawing;
  panes[number].dataset.drawing = mine;
  maps.busy(number);
  const stretch = await stretchFor(look, items, refit);
  // Somebody chose something else meanwhile.
  if (panes[number].dataset.drawing !== String(mine)) return;
  maps.show(number, items, look, stretch, state.projection);
  showLegend(panes[number].querySelector(".legend"), look, items, stretch);
  panes[number].querySelector(".stretch").hidden = !needsStretch(look);
}

/** The same colours in every period, so that periods can be compared: fitted to the first that is looked at. */
async function stretchFor(look, items, refit) {
  if (look.kind === "count") return countRange(state.cube.items);
  if (!needsStretch(look)) return undefined;
  if (state.stretches.has(look.id) && !refit) return state.stretches.get(look.id);
  const sampled = items.filter((item) => !item.empty && look.assets.every((name) => bandOf(item, name))).slice(0, SAMPLED_TILES);
  const samples = await Promise.all(
    sampled.flatMap((item) => look.assets.map(async (name) => [bandOf(item, name), await readCoarsest(item, name)])),
  );
  const stretch = stretchOf(look, samples);
  if (samples.length) state.stretches.set(look.id, stretch);
  return stretch;
}

function showLegend(target, look, items, stretch) {
  const legend = legendOf(look, items, stretch, dateText);
  target.replaceChildren();
  if (!legend) {
    target.textContent = `${look.assets.join(", ")} as red, green and blue`;
  } else if (legend.swatches) {
    for (const { colour, text } of legend.swatches) {
      const entry = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.style.background = colour;
      entry.append(swatch, text);
      target.append(entry);
    }
  } else {
    const ramp = document.createElement("span");
    ramp.className = "ramp";
    ramp.style.background = legend.gradient;
    target.append(legend.low, ramp, legend.high);
  }
}

// -- a pixel ----------------------------------------------------------------------------------------------------------

async function pick(coordinate) {
  if (!state.cube) return;
  state.place = coordinate;
  toAddress();
  await attempt(readPlace);
}

async function readPlace() {
  reading.abort();
  reading = new AbortController();
  state.series = null;
  showPixel();
  const item = itemAt(state.cube.items, state.place);
  if (!item) return;
  const asset = $("measured").value;
  const told = (done, all) => say(`Reading the pixel: ${done} of ${all} periods …`);
  const series = await pixelSeries(state.cube.periods, state.place, asset, { signal: reading.signal, told });
  state.series = { asset, entries: series };
  say(summary(currentPeriod()));
  showPixel();
}

function showPixel() {
  const item = state.place && itemAt(state.cube.items, state.place);
  maps.markPixel(item && pixelExtent(item, pixelAt(item, state.place)));
  const drawn = Boolean(item && state.series);
  const blank = drawn && state.series.entries.every((entry) => entry.value === undefined);
  $("chart").toggleAttribute("hidden", !drawn || blank);
  $("numbers").hidden = !drawn;
  if (!state.place) {
    $("pixel-text").textContent = "Click on a map to read a pixel of every period.";
  } else if (!item) {
    $("pixel-text").textContent = "There is no tile at this place.";
  } else {
    const [column, row] = pixelAt(item, state.place);
    const degreesHere = lonLat(state.place, state.projection);
    const place = degreesHere ? `${degrees(degreesHere[1], "N", "S")}, ${degrees(degreesHere[0], "E", "W")} · ` : "";
    const missing = blank ? " · no data in any period" : "";
    $("pixel-text").textContent = `${place}tile ${item.tile}, column ${column}, row ${row}${missing}`;
  }
  if (drawn) drawSeries();
}

function drawSeries() {
  const { asset, entries } = state.series;
  const rows = entries.map((entry) => [
    periodText(entry.period),
    entry.value === undefined ? "no data" : number(entry.value),
    String(entry.stored),
    entry.day ? dateText(entry.day) : "–",
    entry.clear === undefined ? "–" : `${entry.clear} of ${entry.total ?? "?"}`,
  ]);
  const points = entries.map((entry, index) => ({
    start: entry.period.start,
    end: entry.period.end,
    at: entry.day ?? middle(entry.period),
    value: entry.value,
    current: entry.period === currentPeriod(),
    text: `${rows[index][0]}: ${rows[index][1]}${entry.day ? `, seen ${rows[index][3]}` : ""}`,
  }));
  drawChart($("chart"), points, { title: `${asset} of this pixel in ${entries.length} periods`, dateText });
  fillTable($("numbers").querySelector("table"), ["Period", asset, "Stored", "Seen on", "Clear observations"], rows);
}

addEventListener("resize", () => {
  if (state.series && !$("chart").hasAttribute("hidden")) drawSeries();
});

function number(value) {
  return Number(value.toPrecision(6)).toString();
}

function middle(period) {
  return new Date((Date.parse(period.start) + Date.parse(period.end)) / 2).toISOString();
}

function markCurrent() {
  if (state.series) drawSeries();
}

// -- controls ---------------------------------------------------------------------------------------------------------

function goTo(period) {
  if (period < 0 || period >= state.cube.periods.length) return;
  state.period = period;
  attempt(showPeriod);
}

$("period").addEventListener("input", () => goTo(Number($("period").value)));
$("earlier").addEventListener("click", () => goTo(state.period - 1));
$("later").addEventListener("click", () => goTo(state.period + 1));
$("measured").addEventListener("change", () => state.place && attempt(readPlace));
$("dates").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state.cube) attempt(() => open(state.cube.collection));
});
$("key").addEventListener("click", async () => {
  if (await askForKey("Another key for this API:")) {
    closeAll();
    attempt(begin);
  } else if (!state.cube) {
    setApiKey("");
  }
});
panes.forEach((pane, number) => {
  pane.querySelector(".look").addEventListener("change", (event) => {
    state.chosen[number] = state.looks.find((look) => look.id === event.target.value);
    toAddress();
    attempt(() => showPane(number));
  });
  pane.querySelector(".stretch").addEventListener("click", () => attempt(() => showPane(number, { refit: true })));
});

attempt(begin);
