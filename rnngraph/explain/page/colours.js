// Colour for numbers: orange below, blue above, the page's own shade between, for all eyes;
// a tick at the number's height says the same without colour.

const ROUTES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];

// What is no equation of the cell has no colour: what just stays, and what the state has no part in.
const NO_EQUATION = { carry: "carry", "later inputs": "outside", "earlier outputs": "outside" };

// Of more equations than there are colours, the second seven are nearer to the ink.
function routeColour(way, k) {
  const name = way.names[k];
  if (NO_EQUATION[name]) return tone(NO_EQUATION[name]);
  const at = way.names.slice(0, k).filter((before) => !NO_EQUATION[before]).length, colour = ROUTES[at % ROUTES.length];
  return at < ROUTES.length ? colour : d3.interpolateLab(colour, tone("ink"))(0.5);
}

function tone(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function palette() {
  return {
    diverging: d3.scaleLinear().domain([-1, 0, 1]).range([tone("low"), tone("zero"), tone("high")])
      .interpolate(d3.interpolateLab).clamp(true),
    sequential: d3.scaleLinear().domain([0, 1]).range([tone("empty"), tone("full")])
      .interpolate(d3.interpolateLab).clamp(true),
    ink: tone("ink"),
    mark: tone("accent"),
  };
}

// How one value's numbers become colours and heights; each unit has its own scale where the
// equation sets no range, since states drift.
function scaleOf(value, colours) {
  const unsigned = isUnsigned(value), most = unsigned ? null : extremes(value);
  return (number, unit) => {
    const part = unsigned ? number / value.range[1] : number / (most[unit] || 1);
    return { colour: (unsigned ? colours.sequential : colours.diverging)(part), part, unsigned };
  };
}

// Is what is shown of a value never below 0?
function isUnsigned(value) {
  return value.range && value.range[0] === 0 && !changing(value);
}

function extremes(value) {
  if (value.range && !changing(value)) return d3.range(value.units).map(() => value.range[1]);
  const most = new Array(value.units).fill(0);
  report.columns.forEach((one, at) => one.labels.forEach((_, step) => {
    (numbers(at, value.name, step) || []).forEach((number, unit) => {
      most[unit] = Math.max(most[unit], Math.abs(number || 0));
    });
  }));
  if (!changing(value)) return most;
  const all = d3.max(most);
  return most.map(() => all);
}
