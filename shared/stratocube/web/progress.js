// Builds: how far each is, where on the map, and what failed and why. Asks the API again while something is going on.

import { setApiKey } from "./api.js";
import {
  build as readBuild,
  builds as readBuilds,
  cancel,
  cubes as readCubes,
  gridOf,
  isOpen,
  latestBuilds,
  retry,
  units as readUnits,
} from "./builds.js";
import { periodText } from "./catalog.js";
import { fillTable } from "./chart.js";
import { askForKey, withKey } from "./key_form.js";
import { counted, STATES, stateOf, UnitsMap } from "./units_map.js";

/** Between two looks at a build that is open, and after one that the API refused. */
const POLL_MS = 3000;
const REFUSED_MS = 20_000;
/** Every how many looks the units are read, per thousand of them: a page of the list holds a thousand. */
const UNITS_PAGE = 1000;
const ALL_CUBES = "";
const ALL_PERIODS = "all";

const $ = (id) => document.getElementById(id);
const state = { cubes: [], listed: [], next: null, build: null, units: [], looks: 0, placed: null };
let timer = 0;
const map = new UnitsMap($("map"), (words) => {
  $("map").title = words;
});

// -- words ------------------------------------------------------------------------------------------------------------

function say(text, { bad = false } = {}) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function node(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(error.message, { bad: true });
  }
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function when(text) {
  return moment.format(new Date(text));
}

function lasted(from, to) {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

// -- lists ------------------------------------------------------------------------------------------------------------

function wanted() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

async function begin() {
  say("Looking for builds …");
  state.cubes = await withKey(readCubes);
  const select = $("cube");
  select.replaceChildren(
    new Option("Latest builds of all cubes", ALL_CUBES),
    ...state.cubes.map((cube) => new Option(`Builds of ${cube.id}`, cube.id)),
  );
  select.disabled = false;
  const chosen = state.cubes.find((cube) => cube.id === wanted().cube);
  select.value = chosen?.id ?? ALL_CUBES;
  await list();
}

async function list({ more = false } = {}) {
  const cube = $("cube").value;
  const page = await withKey(() => (cube ? readBuilds(cube, more ? state.next : undefined) : latestBuilds(state.cubes)));
  state.listed = more ? [...state.listed, ...page.builds] : page.builds;
  state.next = page.next;
  $("more").hidden = !page.next;
  $("empty").hidden = state.listed.length > 0;
  $("content").hidden = state.listed.length === 0;
  say("");
  if (state.listed.length === 0) {
    const words = state.cubes.length
      ? ["No build yet", "Start one: stratocube start --help says how."]
      : ["No cube yet", "Define one (stratocube init), then start a build of it."];
    $("empty").replaceChildren(node("h2", words[0]), node("p", words[1]));
    return;
  }
  showList();
  if (more) return;
  const first = state.listed.find((build) => build.build_id === wanted().build) ?? state.listed[0];
  await open(first.build_id);
}

function showList() {
  $("builds").replaceChildren(
    ...state.listed.map((build) => {
      const button = node("button", "", { type: "button" });
      if (build.build_id === state.build?.build_id) button.setAttribute("aria-current", "true");
      button.append(node("span", build.status.toLowerCase(), { class: "badge", "data-status": build.status }));
      button.append(build.cube_id, node("small", when(build.created_at)));
      button.addEventListener("click", () => attempt(() => open(build.build_id)));
      const entry = node("li");
      entry.append(button);
      return entry;
    }),
  );
}

// -- one build --------------------------------------------------------------------------------------------------------

async function open(id) {
  clearTimeout(timer);
  state.looks = 0;
  state.placed = null;
  state.units = [];
  await look(id);
}

/** Reads the build once, shows it, and comes back while it is open. */
async function look(id) {
  const build = await withKey(() => readBuild(id));
  const before = state.build;
  const ended = before?.build_id === id && isOpen(before) && !isOpen(build);
  // A list of thousands of units is not asked for with every look.
  const every = Math.ceil((build.units.total || 1) / UNITS_PAGE);
  if (state.looks % every === 0 || ended) state.units = (await withKey(() => readUnits(id))).units;
  state.looks += 1;
  state.build = build;
  const listed = state.listed.find((one) => one.build_id === id);
  if (listed) listed.status = build.status;
  showList();
  showBuild(build);
  await showMap(build);
  history.replaceState(null, "", `#${new URLSearchParams({ ...($("cube").value ? { cube: $("cube").value } : {}), build: id })}`);
  if (isOpen(build)) again(POLL_MS);
}

function again(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    // A tab nobody looks at asks nothing.
    if (document.hidden) return again(POLL_MS);
    try {
      await look(state.build.build_id);
      if ($("status").classList.contains("bad")) say("");
    } catch (error) {
      say(`${error.message} Trying again soon.`, { bad: true });
      again(REFUSED_MS);
    }
  }, milliseconds);
}

function showBuild(build) {
  const { units } = build;
  $("build").hidden = false;
  $("build-title").textContent = `${build.cube_id} · ${build.build_id}`;
  const time = build.finished_at
    ? `took ${lasted(build.created_at, build.finished_at)}`
    : `for ${lasted(build.created_at, new Date().toISOString())}`;
  const count = units.total ? `${units.succeeded} of ${units.total} units done` : "units are being planned";
  $("build-text").textContent = `${build.status.toLowerCase()} · ${count} · started ${when(build.created_at)}, ${time}`;
  $("cause").hidden = !build.cause;
  $("cause").textContent = build.cause ?? "";
  $("cancel").hidden = !isOpen(build);
  $("retry").hidden = isOpen(build) || units.failed + units.cancelled === 0;
  $("look").hidden = units.succeeded === 0;
  $("look").href = `viewer#${new URLSearchParams({ cube: build.cube_id })}`;
  showBar(units);
  showSteps(build);
  showFailures(build);
}

function showBar(units) {
  const parts = STATES.map(({ status, text, colour }) => ({ count: units[status.toLowerCase()] ?? 0, text, colour }));
  $("units-bar").replaceChildren(
    ...parts
      .filter(({ count }) => count)
      .reverse()
      .map(({ count, colour }) => {
        const part = node("span");
        part.style.flex = String(count);
        part.style.background = colour;
        return part;
      }),
  );
  const said = parts.filter(({ count }) => count).map(({ count, text }) => `${count} ${text}`);
  $("units-bar").setAttribute("aria-label", `Units: ${said.join(", ") || "none yet"}`);
}

function showSteps(build) {
  const rows = Object.entries(build.steps).map(([name, step]) => [
    name.replaceAll("_", " "),
    `${step.built + step.reused}${step.total === null ? "" : ` / ${step.total}`}`,
    String(step.reused),
    String(step.failed),
    `${step.seconds.toFixed(0)} s`,
  ]);
  fillTable($("steps"), ["", "Done", "Reused", "Failed", "Worked"], rows);
  const spent = build.costs?.actual?.cost_usd;
  $("cost").textContent = typeof spent === "number" ? `Cost so far about ${spent.toFixed(4)} US$.` : "";
}

function showFailures(build) {
  $("failures").hidden = build.failed_units.length === 0;
  const entries = build.failed_units.map(({ unit_id: unit, step, cause }) => {
    const entry = node("li");
    const [tile, start, end] = unit.split("_");
    entry.append(node("strong", `Tile ${tile}, ${periodText({ start, end })}`), ` · ${(step ?? "").replaceAll("_", " ")}`);
    entry.append(node("p", cause || "No cause was recorded: the log of the step's function has it."));
    return entry;
  });
  if (build.units.failed > entries.length) {
    entries.push(node("li", `and ${build.units.failed - entries.length} more: stratocube failures ${build.build_id} lists all.`));
  }
  $("failures").querySelector("ul").replaceChildren(...entries);
}

// -- map --------------------------------------------------------------------------------------------------------------

async function showMap(build) {
  const tiles = new Set(state.units.map((unit) => unit.tile));
  const place = `${build.build_id} ${tiles.size}`;
  if (tiles.size && state.placed !== place) {
    map.place(await withKey(() => gridOf(build.cube_id, tiles)));
    state.placed = place;
    preparePeriods();
  }
  colourMap();
}

function preparePeriods() {
  const periods = new Map(state.units.map((unit) => [unit.start, unit]));
  const sorted = [...periods.values()].sort((one, other) => one.start.localeCompare(other.start));
  const all = new Option(`All ${sorted.length} periods: the worst of each tile`, ALL_PERIODS);
  $("period").replaceChildren(
    ...(sorted.length > 1 ? [all] : []),
    ...sorted.map((unit) => new Option(periodText(unit), unit.start)),
  );
}

function colourMap() {
  const period = $("period").value;
  const shown = state.units.filter((unit) => period === ALL_PERIODS || !period || unit.start === period);
  const byTile = new Map();
  for (const unit of shown) byTile.set(unit.tile, [...(byTile.get(unit.tile) ?? []), unit]);
  map.colour(byTile);
  const present = new Set([...byTile.values()].map(stateOf));
  $("legend").replaceChildren(
    ...STATES.filter((one) => present.has(one)).map((one) => {
      const entry = node("span");
      const swatch = node("i");
      swatch.style.background = one.colour;
      entry.append(swatch, one.text);
      return entry;
    }),
    node("span", shown.length ? `${shown.length} units: ${counted(shown)}` : ""),
  );
}

// -- controls ---------------------------------------------------------------------------------------------------------

function sure(title, message, yes) {
  const dialog = $("sure-dialog");
  dialog.querySelector("[data-title]").textContent = title;
  dialog.querySelector("[data-message]").textContent = message;
  dialog.querySelector("[data-yes]").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

$("cube").addEventListener("change", () => attempt(list));
$("more").addEventListener("click", () => attempt(() => list({ more: true })));
$("period").addEventListener("change", colourMap);
$("key").addEventListener("click", async () => {
  if (await askForKey("Another key for this API:")) attempt(begin);
  else if (!state.build) setApiKey("");
});
$("cancel").addEventListener("click", () =>
  attempt(async () => {
    const { build_id: id } = state.build;
    const words = "Units that are running stop, what is published stays. The rest can be built later with a retry.";
    if (!(await sure("Cancel this build?", words, "Cancel build"))) return;
    await withKey(() => cancel(id));
    await open(id);
  }),
);
$("retry").addEventListener("click", () =>
  attempt(async () => {
    const { build_id: id, units } = state.build;
    const count = units.failed + units.cancelled;
    const words = `${count === 1 ? "One unit is" : `${count} units are`} built again; work that was done is reused.`;
    if (!(await sure("Retry what failed?", words, "Retry"))) return;
    const made = await withKey(() => retry(id));
    history.replaceState(null, "", `#${new URLSearchParams({ cube: made.cube_id, build: made.build_id })}`);
    $("cube").value = made.cube_id;
    await list();
  }),
);

attempt(begin);
