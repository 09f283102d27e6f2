// Rows of numbers along time: a panel for each, with lines for what is read and a band for each
// value, a row for each unit.

const LANE = 112;  // of the names beside the lanes
const MOST_LINES = 4;  // of one lane; more units are a band of colours
const DASHES = [null, "7 3", "2 3", "9 3 2 3"];  // tell lines apart for all eyes

function drawTimelines() {
  const wide = timeWidth(), colours = palette();
  const panels = filled(d3.select("#grid"), "div", [0]).attr("class", "panels").selectAll(null)
    .data(report.columns).enter().append("figure").attr("class", "panel").style("width", LANE + wide + "px");
  panels.each(function (one, at) { drawPanel(d3.select(this), one, at, wide, colours); });
}

// As many panels side by side as leave each step some room, evenly.
function timeWidth() {
  const room = d3.select("#grid").node().clientWidth - 16, count = report.columns.length;
  const steps = d3.max(report.columns, (one) => one.labels.length), gap = 24;
  const fit = Math.max(1, Math.min(count, Math.floor((room + gap) / (LANE + gap + 14 * steps))));
  const beside = Math.ceil(count / Math.ceil(count / fit));
  return Math.floor(Math.min((room + gap) / beside - gap - LANE, 40 * steps));
}

function drawPanel(panel, one, at, wide, colours) {
  const head = panel.append("figcaption");
  head.append("b").text(one.title);
  head.append("span").attr("class", "soft").text(readAt(one));
  const lanes = panel.append("div").attr("class", "lanes").style("grid-template-columns", `${LANE}px ${wide}px`);
  for (const input of movingInputs()) drawLane(lanes, input, at, wide, colours);
  for (const value of strips()) drawLane(lanes, value, at, wide, colours);
  timeAxis(lanes, one, wide);
  drawBand(lanes, one, at, wide);
  drawMarker(lanes, one, at, wide);
}

const across = (one, wide) => (step) => ((step + 0.5) * wide) / one.labels.length;
const stepOf = (one) => Math.min(chosen.step, one.labels.length - 1);

function readAt(one) {
  const step = stepOf(one);
  return ` at ${one.labels[step]}: ` + movingInputs().map((input) => {
    const row = one.inputs[input.name][step];
    return row.length > MOST_LINES ? `${input.name}[${chosen.unit}] ${shown(row[chosen.unit])}`
      : `${input.name} ${row.map((number) => shown(number)).join(", ")}`;
  }).join("; ");
}

// An input that is always the same needs no line.
function movingInputs() {
  return inputValues.filter((input) => {
    const all = report.columns.map((one) => one.inputs[input.name]);
    return all.some((rows) => rows.some((row) => row.some((number, unit) => number !== all[0][0][unit])));
  });
}

function drawLane(lanes, value, at, wide, colours) {
  const beside = lanes.append("div").attr("class", "lane-name"), name = beside.append("div");
  if (value.input) name.append("span").attr("title", called(value)).text(value.name);
  else name.append("button").datum(value).call(valueButton, at);
  const lined = isLined(value), ends = lined ? endsOf(value) : [];
  if (lined && value.units > 1) dashKey(name, value);
  beside.append("span").attr("class", "ends").selectAll(null).data(ends.slice().reverse()).enter()
    .append("span").text((end) => shown(end));
  if (lined) lineLane(lanes, value, at, wide, ends);
  else bandLane(lanes, value, at, wide, colours);
}

const isLined = (value) => value.units <= (value.input ? MOST_LINES : 1);

function dashKey(name, value) {
  const entries = name.append("span").attr("class", "dashes").selectAll(null).data(d3.range(value.units)).enter().append("span");
  entries.append("svg").attr("width", 22).attr("height", 8).attr("aria-hidden", "true").append("path")
    .attr("d", "M0 4H22").attr("stroke-dasharray", (unit) => DASHES[unit]);
  entries.append("span").text((unit) => unit);
}

function endsOf(value) {
  const rows = d3.merge(report.columns.map((one, at) => one.labels.map((_, step) => numbers(at, value.name, step) || [])));
  const [low, high] = d3.extent(d3.merge(rows));
  return low === undefined ? [0, 1] : low === high ? [low - 1, high + 1] : [low, high];
}

function lineLane(lanes, value, at, wide, ends) {
  const one = report.columns[at], high = value.input ? 64 : 48, swap = other(at);
  const x = across(one, wide), y = d3.scaleLinear().domain(ends).range([high - 5, 5]);
  const svg = asLane(lanes.append("svg").attr("width", wide).attr("height", high), value, at,
    `${called(value)} of ${one.title}: ${shown(ends[0])} to ${shown(ends[1])}`, () => ({ step: under(one, wide) }));
  if (ends[0] < 0 && ends[1] > 0) svg.append("line").attr("class", "zero").attr("x2", wide).attr("y1", y(0)).attr("y2", y(0));
  const from = value.input && swap && sourceOf(swap);
  if (from) lines(svg, "instead", value, (step) => from.inputs[value.name][step], d3.range(swap.step, swap.last + 1), x, y);
  lines(svg, "read", value, (step) => numbers(at, value.name, step), d3.range(one.labels.length), x, y);
}

function lines(svg, kind, value, row, steps, x, y) {
  const path = (unit) => d3.line().x(x).y((step) => y(row(step)[unit]))
    .defined((step) => row(step) && row(step)[unit] !== null)(steps);
  svg.selectAll(null).data(d3.range(value.units)).enter().append("path").attr("d", path)
    .attr("class", (unit) => kind + (value.units > 1 && unit === chosen.unit ? " picked" : ""))
    .attr("stroke-dasharray", (unit) => DASHES[unit]);
}

// A lane has a name for those who cannot see it, and is clicked to choose what is there.
function asLane(lane, value, at, name, pointed) {
  return lane.attr("class", "lane").attr("role", "img").attr("aria-label", name)
    .on("click", () => choose({ column: at, ...pointed(), ...(value.input ? {} : { value: value.name }) }));
}

// The step under the mouse.
function under(one, wide) {
  return Math.max(0, Math.min(one.labels.length - 1, Math.floor((d3.event.offsetX / wide) * one.labels.length)));
}

// The row that a swap reads from, where it is one of those that are shown.
function sourceOf(entry) {
  return report.columns[entry.source];
}

function bandLane(lanes, value, at, wide, colours) {
  const one = report.columns[at], units = value.input ? d3.range(value.units) : order(value);
  const each = Math.max(2, Math.floor(Math.min(16, (chosen.alone || value.input ? 150 : 64) / value.units)));
  const pointed = () => ({ step: under(one, wide),
    unit: units[Math.max(0, Math.min(units.length - 1, Math.floor(d3.event.offsetY / each)))] });
  const name = spoken(value, at, stepOf(one), numbers(at, value.name, stepOf(one)));
  const canvas = asLane(lanes.append("canvas"), value, at, name, pointed)
    .on("mousemove", () => {
      const { step, unit } = pointed(), row = numbers(at, value.name, step);
      tip(`${called(value)}[${unit}] at ${one.labels[step]}: ` + (row ? shown(row[unit], 3) : "no swap"), d3.event);
    }).on("mouseleave", () => tip(""));
  paintBand(penOf(canvas, wide, each * value.units), value, at, units, { wide, each, colours });
}

// A canvas of so many pixels of the page, as sharp as the screen is.
function penOf(canvas, wide, high) {
  const dense = window.devicePixelRatio || 1, pen = canvas.node().getContext("2d");
  canvas.attr("width", wide * dense).attr("height", high * dense).style("width", wide + "px").style("height", high + "px");
  pen.scale(dense, dense);
  return pen;
}

function paintBand(pen, value, at, units, { wide, each, colours }) {
  const labels = report.columns[at].labels, scale = scaleOf(value, colours), across = wide / labels.length;
  labels.forEach((_, step) => paintStep(pen, numbers(at, value.name, step), units, scale,
    { x: step * across, wide: across, high: each }));
  outlineUnit(pen, units.indexOf(chosen.unit) * each, wide, each, colours);
}

function paintStep(pen, row, units, scale, { x, wide, high }) {
  if (!row) return;
  units.forEach((unit, place) => {
    const { colour, part, unsigned } = scale(row[unit] || 0, unit);
    pen.fillStyle = colour;
    pen.fillRect(x, place * high, wide + 0.5, high);
    if (high < 9 || wide < 5) return;
    pen.fillStyle = d3.lab(colour).l > 55 ? "#000" : "#fff";
    pen.fillRect(x, place * high + 1 + (unsigned ? 1 - part : (1 - part) / 2) * (high - 4), wide + 0.5, 2);
  });
}

function outlineUnit(pen, top, wide, high, colours) {
  if (top < 0) return;
  pen.strokeStyle = colours.mark;
  pen.lineWidth = 2;
  pen.strokeRect(1, top + (high > 4 ? 1 : 0), wide - 2, high - (high > 4 ? 2 : 0));
}

function timeAxis(lanes, one, wide) {
  lanes.append("div");
  const svg = lanes.append("svg").attr("class", "time").attr("width", wide).attr("height", 30).attr("aria-hidden", "true");
  const every = Math.ceil(one.labels.length / Math.max(1, Math.floor(wide / 44))), x = across(one, wide);
  timeTicks(svg, one, d3.range(0, one.labels.length, every), x);
  svg.append("text").attr("class", "mark").attr("x", x(one.decided)).attr("y", 28).attr("text-anchor", "middle").text("◆");
}

function timeTicks(svg, one, steps, x) {
  const ticks = svg.selectAll(null).data(steps).enter().append("g").attr("transform", (step) => `translate(${x(step)},0)`);
  ticks.append("line").attr("y2", 4);
  ticks.append("text").attr("y", 15).attr("text-anchor", "middle").text((step) => one.labels[step]);
}

// What a swap reads instead is shaded.
function drawBand(lanes, one, at, wide) {
  const swap = other(at);
  if (!swap) return;
  const each = wide / one.labels.length;
  lanes.append("div").attr("class", "band").style("left", LANE + swap.step * each + "px")
    .style("width", (swap.last + 1 - swap.step) * each + "px");
}

// The chosen step, which the keyboard moves.
function drawMarker(lanes, one, at, wide) {
  const step = stepOf(one), value = valueNamed(chosen.value), row = numbers(at, value.name, step);
  lanes.append("div").attr("class", "now").classed("here", at === chosen.column)
    .style("left", LANE + across(one, wide)(step) + "px")
    .attr("role", "slider").attr("tabindex", 0).attr("data-key", `time ${at}`).attr("data-time", at)
    .attr("aria-label", `${one.title}: step`).attr("aria-valuemin", 0).attr("aria-valuemax", one.labels.length - 1)
    .attr("aria-valuenow", step).attr("aria-valuetext", `${one.labels[step]}: ${spoken(value, at, step, row)}`);
}

// What a key does to the marker; false where it does nothing.
function moveTime(at, key) {
  const last = report.columns[at].labels.length - 1, now = stepOf(report.columns[at]);
  const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
    PageDown: -10, PageUp: 10, Home: -last, End: last }[key];
  if (by !== undefined) choose({ column: at, step: Math.max(0, Math.min(last, now + by)) });
  return by !== undefined;
}
