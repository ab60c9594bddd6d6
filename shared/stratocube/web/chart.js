// A pixel through time: a small chart of our own (SVG) and the same numbers as a table.

const SVG = "http://www.w3.org/2000/svg";
const SIZE = { height: 220, left: 52, right: 12, top: 12, bottom: 30 };
/** What a date below the axis takes. */
const LABEL_WIDTH = 100;
const DAY_MS = 86_400_000;

function element(name, attributes = {}, content = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content) made.textContent = content;
  return made;
}

/**
 * Draws points `{start, end, at, value, text, current}`, oldest first, into an SVG element. A composite is a bar as
 * long as its period, with a dot on the day its pixel was seen. `value` is undefined where there is nothing.
 */
export function drawChart(svg, points, { title, dateText }) {
  svg.replaceChildren(element("title", {}, title));
  // One unit is one pixel: text is as large on a phone as anywhere.
  const width = Math.max(280, svg.clientWidth);
  svg.setAttribute("viewBox", `0 0 ${width} ${SIZE.height}`);
  const values = points.filter((point) => point.value !== undefined);
  if (values.length === 0) return;
  const time = timeScale(points, width);
  const [low, high, step] = valueScale(values.map((point) => point.value));
  const y = (value) => SIZE.top + ((high - value) / (high - low)) * (SIZE.height - SIZE.top - SIZE.bottom);
  drawAxes(svg, { width, points, time, y, low, high, step, dateText });
  const known = values.map((point) => `${time(Date.parse(point.at))},${y(point.value)}`);
  if (known.length > 1) svg.append(element("polyline", { points: known.join(" "), class: "line" }));
  for (const point of values) {
    const group = element("g", { class: point.current ? "point current" : "point", "data-period": point.start, "data-value": point.value });
    if (point.start !== point.end) {
      const ends = { x1: time(Date.parse(point.start)), x2: time(Date.parse(point.end) + DAY_MS) };
      group.append(element("line", { ...ends, y1: y(point.value), y2: y(point.value), class: "span" }));
    }
    group.append(element("circle", { cx: time(Date.parse(point.at)), cy: y(point.value), r: point.current ? 6 : 4 }));
    group.append(element("title", {}, point.text));
    svg.append(group);
  }
}

function timeScale(points, width) {
  const first = Date.parse(points[0].start);
  const last = Math.max(...points.map((point) => Date.parse(point.end))) + DAY_MS;
  return (moment) => SIZE.left + ((moment - first) / (last - first)) * (width - SIZE.left - SIZE.right);
}

/** [low, high, step] of an axis with round numbers around the values. */
function valueScale(values) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (high - low < 1e-9) [low, high] = [low - Math.abs(low) * 0.1 - 1e-3, high + Math.abs(high) * 0.1 + 1e-3];
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw);
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step, step];
}

function drawAxes(svg, { width, points, time, y, low, high, step, dateText }) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let tick = 0; low + tick * step <= high + step / 2; tick += 1) {
    const value = low + tick * step;
    svg.append(element("line", { x1: SIZE.left, x2: width - SIZE.right, y1: y(value), y2: y(value), class: "grid" }));
    svg.append(element("text", { x: SIZE.left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(digits)));
  }
  let free = 0;
  points.forEach((point) => {
    const x = time(Date.parse(point.start));
    if (x < free || x > width - LABEL_WIDTH + SIZE.right) return;
    free = x + LABEL_WIDTH;
    svg.append(element("line", { x1: x, x2: x, y1: SIZE.height - SIZE.bottom, y2: SIZE.height - SIZE.bottom + 4, class: "grid" }));
    svg.append(element("text", { x, y: SIZE.height - 10, "text-anchor": "start" }, dateText(point.start)));
  });
}

/** Fills a table: `columns` are headings, `rows` arrays of text of the same length; the first cell heads its row. */
export function fillTable(table, columns, rows) {
  const line = (cells, name) => {
    const row = document.createElement("tr");
    cells.forEach((cell, index) => {
      const made = document.createElement(index === 0 || name === "th" ? "th" : "td");
      made.scope = name === "th" ? "col" : "row";
      if (made.tagName === "TD") made.removeAttribute("scope");
      made.textContent = cell;
      row.append(made);
    });
    return row;
  };
  table.tHead.replaceChildren(line(columns, "th"));
  table.tBodies[0].replaceChildren(...rows.map((cells) => line(cells, "td")));
}
