// What is chosen, and who wants to know when that changes.

const report = JSON.parse(document.getElementById("report").textContent);
const alongTime = report.axis === "time";
const inputValues = report.inputs.map((input) => ({ ...input, label: "input", range: null, input: true }));
const keptValues = Object.keys(report.columns[0].kept).filter(keepsSome).map(keptValue);
const narrow = () => window.innerWidth <= 760;

const chosen = {
  column: 0,
  step: report.columns[0].decided,
  value: report.values[0].name,
  unit: 0,
  other: report.columns.map((column) => firstOther(column)),
  change: false,
  sorted: true,
  everyUnit: false,
  alone: narrow() || report.columns.length > 2 || (!alongTime && tight()),
};

// A state that is written anew at every step keeps nothing that could be shown.
function keepsSome(state) {
  return report.columns.some((one) => one.kept[state].some((row) => row.some((part) => part)));
}

// How much of each unit of a state is left of the step before, to be looked at as a value is.
function keptValue(state) {
  const all = d3.merge(report.columns.map((one) => d3.merge(one.kept[state])));
  const box = (report.values.find((value) => value.name === state) || {}).box;
  return { name: `kept ${state}`, label: "", box: box || `${state}'`, kept: state,
    range: d3.min(all) >= 0 && d3.max(all) <= 1 ? [0, 1] : null, units: report.columns[0].kept[state][0].length };
}

// All strips of all columns do not fit side by side.
function tight() {
  const strips = d3.sum(report.values, (value) => Math.max(44, 2 * value.units) + 8);
  return report.columns.length * (90 + strips) > Math.min(1300, window.innerWidth - 40);
}

const listeners = [];

function choose(part) {
  Object.assign(chosen, part);
  chosen.step = Math.min(chosen.step, column().labels.length - 1);
  for (const listener of listeners) listener();
}

function firstOther(column) {
  const cuts = (other) => (other.routes ? column.decided - other.step : -1);
  const change = (other) => Math.abs(other.after - other.before);
  return column.others.length ? d3.scan(column.others, (a, b) => cuts(b) - cuts(a) || change(b) - change(a)) : -1;
}

// What a swap puts in whose place: a word, or the sequence.
const swapped = (one, entry) => entry.last > entry.step ? one.title : word(one.labels[entry.step]);
const stepName = alongTime ? "step" : report.axis;

// The chosen unit, or the first where there are not so many.
const unitOf = (count) => (chosen.unit < count ? chosen.unit : 0);

const column = () => report.columns[chosen.column];
const other = (at = chosen.column) => report.columns[at].others[chosen.other[at]];
const lookedAt = [...report.values, ...keptValues];
const valueNamed = (name) => lookedAt.find((value) => value.name === name);
const called = (value) => (value.label ? value.label + " " : "") + value.name;

// The effect of each unit; none where a value has other units than what was measured.
function effects(value) {
  const group = groupOf(value);
  if (!group) return null;
  const each = value.units / group.effect.length;
  return d3.range(value.units).map((unit) => group.effect[Math.floor(unit / each)] || 0);
}

// What was measured of a value's units.
function groupOf(value) {
  const group = value.kept ? report.units.find((units) => units.states.includes(value.kept)) : report.units[value.group];
  return group && value.units % group.effect.length === 0 ? group : null;
}

const ORDERS = { ablation: "what is lost without them (ablation)", routes: "the part of a change that goes through them (routes)" };

function orderTold(value) {
  const group = chosen.sorted && groupOf(value);
  return `units in order of ${group ? `${ORDERS[group.by]}, largest first` : "their number"}`;
}

function order(value) {
  const units = d3.range(value.units);
  const effect = chosen.sorted ? effects(value) : null;
  return effect ? units.sort((a, b) => effect[b] - effect[a] || a - b) : units;
}

// What a swap changes is known of values only: not of what is read or kept.
const changing = (value) => chosen.change && !value.kept && !value.input;

function rowOf(one, name, step) {
  const { kept } = valueNamed(name) || {};
  return (one.inputs[name] || (kept ? one.kept[kept] : one.values[name]))[step];
}

// The numbers of a strip: values, or what the chosen swap changes of them.
function numbers(at, name, step) {
  if (!changing(valueNamed(name) || { input: true })) return rowOf(report.columns[at], name, step);
  const swap = other(at);
  return swap && swap.differences[name] ? swap.differences[name][step] : null;
}

const shown = (number, digits = 2) =>
  number === null || number === undefined ? "–"
    : number.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
// A number that may be small beside others of its kind.
const exact = (number) => (Math.abs(number) >= 0.01 || !number ? shown(number) : number.toPrecision(2).replace("-", "−"));
const quoted = (label) => (alongTime ? label : `“${word(label)}”`);
const word = (label) => (label === " " ? "␣" : label === "\n" ? "⏎" : label);

// A button that is drawn anew with every choice; by its key it keeps the focus.
function control(made, key, pressed, pick) {
  return made.attr("type", "button").attr("data-key", key)
    .attr("aria-pressed", (datum, index) => String(pressed(datum, index))).on("click", pick);
}

// Old children go, and one element per datum comes.
function filled(parent, tag, data) {
  parent.selectAll("*").remove();
  return parent.selectAll(null).data(data).enter().append(tag);
}

function tip(html, event) {
  const box = d3.select("#tip").attr("hidden", html ? null : true).text(html || "");
  if (!html) return;
  const wide = box.node().offsetWidth;
  box.style("left", Math.max(4, Math.min(event.clientX + 12, window.innerWidth - wide - 8)) + "px")
    .style("top", event.clientY + 14 + "px");
}

chosen.unit = order(valueNamed(chosen.value))[0] || 0;
