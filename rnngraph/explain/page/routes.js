// One word: its values, its swaps, and the routes of a swap from cut to cut.

function drawWordPanel() {
  const one = column(), at = one.labels[chosen.step], swap = other();
  d3.select("#word-title").text(`After ${alongTime ? "step " : ""}${quoted(at)}`);
  const entries = one.others.map((entry, index) =>
    [`${swapped(one, entry)} → ${word(entry.label)}`, chosen.other[chosen.column] === index,
      () => pickOther(index)]);
  const bar = d3.select("#swaps");
  bar.selectAll("*").remove();
  if (entries.length) group(bar, "Swap", entries);
  d3.select("#unswapped").attr("hidden", alongTime || one.others.some((entry) => entry.step === chosen.step) ? true : null)
    .text(whyUnswapped(one, at) + (swap ? ` The routes and causes shown are those of ${arrowed(one, swap)}.` : ""));
  drawPreference(one, swap);
  const head = ["value", `unit ${chosen.unit}`, ...(swap ? ["swapped", "change"] : []), "mean of all units"];
  const rows = [...inputValues.map((input) => inputRow(one, input, swap)),
    ...report.values.map((value) => valueRow(one, value, swap)), ...keptValues.map((value) => keptRow(one, value, swap))];
  const here = inputValues.length + lookedAt.indexOf(valueNamed(chosen.value));
  table(d3.select("#values"), head, rows).classed("chosen", (_, index) => index === here);
  filled(d3.select("#half-life"), "span", keptValues).text((value) => halfLife(one, value));
}

function keptRow(one, value, swap) {
  const row = rowOf(one, value.name, chosen.step), unit = unitOf(row.length);
  return [called(value), shown(row[unit], 3), ...(swap ? ["–", "–"] : []), shown(d3.mean(row), 3)];
}

// How long a unit would last if every step kept as much of it as this one.
function halfLife(one, value) {
  const row = rowOf(one, value.name, chosen.step), unit = unitOf(row.length), kept = row[unit];
  if (kept === null) return "";
  const start = `Unit ${unit} of ${value.kept}: ${shown(100 * kept, 1)} % is kept from the ${stepName} before; `;
  if (kept === 0) return start + "nothing of it is left.";
  if (Math.abs(kept) >= 1) return start + "at that rate it never fades.";
  const life = Math.log(0.5) / Math.log(Math.abs(kept));
  return start + `at that rate half of it is left after ${shown(life, life < 10 ? 1 : 0)} ${stepName}s (its half-life).` +
    (one.diagonal[value.kept] ? "" : " But its units feed each other, so that is not all that becomes of it.");
}

// Of a word without a swap: why there is none, and what to do about it.
function whyUnswapped(one, label) {
  if (chosen.step > one.decided) return `${quoted(label)} comes after the decision (◆), so nothing of it can change that.`;
  if (label === "<s>") return "“<s>” begins every text, so it is not swapped.";
  const name = /^\w+$/.test(label) ? label : `"${label}"`;
  return `${quoted(label)} was not swapped, so what it does to the decision was not asked. To ask, explain again with ` +
    `--swap ${name}=other (any other ${stepName} that the model knows).`;
}

const arrowed = (one, swap) => `“${swapped(one, swap)}” → “${word(swap.label)}”`;

function pickOther(index) {
  const picked = chosen.other.slice();
  picked[chosen.column] = index;
  choose({ other: picked, change: true });
}

function drawPreference(one, swap) {
  const ahead = one.decision[chosen.step];
  let told = one.forms.length > 1
    ? `If it had to choose here: ${shown(ahead)} nats for ${one.question}.`
    : `${one.question}: ${shown(one.decision[one.decided], 4)}; read off here it would be ${shown(ahead, 4)}.`;
  if (swap) told += ` With “${word(swap.label)}” for “${swapped(one, swap)}” the decision (◆) goes from ` +
    `${shown(swap.before)} to ${shown(swap.after)}.`;
  d3.select("#preference").attr("class", "hint").text(told);
}

// What is read, and what is read instead where that is one of the rows shown.
function inputRow(one, input, swap) {
  const row = one.inputs[input.name][chosen.step], unit = unitOf(row.length);
  const inside = swap && swap.step <= chosen.step && chosen.step <= swap.last, from = inside ? sourceOf(swap) : one;
  const read = from ? from.inputs[input.name][chosen.step][unit] : null;
  const middle = swap ? [shown(read, 3), shown(read === null ? null : read - row[unit], 3)] : [];
  return [called(input), shown(row[unit], 3), ...middle, shown(d3.mean(row), 3)];
}

function valueRow(one, value, swap) {
  const row = one.values[value.name][chosen.step], unit = unitOf(row.length);
  const moved = swap && swap.differences[value.name] ? swap.differences[value.name][chosen.step][unit] : null;
  const middle = swap ? [shown(moved === null ? null : row[unit] + moved, 3), shown(moved, 3)] : [];
  return [called(value), shown(row[unit], 3), ...middle, shown(one.means[value.name][chosen.step], 3)];
}

function table(box, head, rows) {
  const made = filled(box, "table", [0]);
  made.append("thead").append("tr").selectAll(null).data(head).enter().append("th")
    .attr("scope", "col").text((text) => text);
  const lines = made.append("tbody").selectAll(null).data(rows).enter().append("tr");
  lines.each(function (row) {
    d3.select(this).selectAll(null).data(row).enter()
      .append((_, index) => document.createElement(index ? "td" : "th"))
      .attr("class", (_, index) => (index ? "number" : null))
      .attr("scope", (_, index) => (index ? null : "row")).text((text) => text);
  });
  return lines;
}

// Cuts that tell something: after the swapped step, up to the decision.
function cuts(one, swap) {
  return d3.range(swap.step, one.decided + 1);
}

function drawRoutes() {
  const one = column(), swap = other(), way = swap && swap.routes;
  const told = d3.select("#routes-told"), box = d3.select("#routes");
  box.selectAll("*").remove();
  d3.select("#routes-table").selectAll("*").remove();
  d3.select("#routes-details").attr("hidden", way ? null : true);
  if (!way) {
    told.text(swap ? "The two inputs are the same." : "Routes lead from one input to another: this column has no other.");
    return;
  }
  told.text(`How ${arrowed(one, swap)} changes ${one.question} by ${exact(way.change)}: ` +
    `before each ${stepName}, the part of the change that goes through each equation that reads the old state. ` +
    `The parts of a ${alongTime ? "step" : "line"} add up to all of the change; ` +
    `they do so up to ${way.error.toExponential(0)}, from ${way.points} points.`);
  const lines = cuts(one, swap).map((step) => ({ step, parts: way.names.map((_, k) => way.values[step][k] / way.change) }));
  const used = way.names.map((_, k) => k).filter((k) => lines.some((line) => Math.abs(line.parts[k]) >= 0.005));
  key(box, way, used);
  (alongTime ? uprightBars : bars)(box, one, way, lines, used);
  table(d3.select("#routes-table"), ["before", ...used.map((k) => way.names[k] + " %"), "most through"],
    lines.map((line) => [word(one.labels[line.step]), ...used.map((k) => shown(100 * line.parts[k], 1)),
      through(way, line.step)]));
}

// The unit through which most of the change goes at a cut.
function through(way, step) {
  const found = [];
  for (const [route, states] of Object.entries(way.units)) {
    for (const [state, rows] of Object.entries(states)) {
      rows[step].forEach((number, unit) => found.push({ route, state, unit, part: number / way.change }));
    }
  }
  const most = found.sort((a, b) => Math.abs(b.part) - Math.abs(a.part))[0];
  if (!most || Math.abs(most.part) < 0.005) return "–";
  return `${most.state}[${most.unit}] by ${most.route}: ${shown(100 * most.part, 0)} %`;
}

// The parts of every cut, one after the other; those that are below 0 the other way.
function partsOf(lines, used) {
  const stacked = d3.stack().keys(used).value((line, k) => line.parts[k])
    .offset(d3.stackOffsetDiverging).order(d3.stackOrderNone)(lines);
  const low = Math.min(0, d3.min(stacked, (part) => d3.min(part, (d) => d[0])));
  return { stacked, ends: [low, Math.max(1, d3.max(stacked, (part) => d3.max(part, (d) => d[1])))] };
}

const named = (way, k, d) => `${way.names[k]}: ${shown(100 * d.data.parts[k], 1)} %`;

// Along time the cuts stand side by side.
function uprightBars(box, one, way, lines, used) {
  const wide = Math.max(280, box.node().clientWidth - 4), high = 260, { stacked, ends } = partsOf(lines, used);
  const x = d3.scaleBand().domain(lines.map((line) => line.step)).range([48, wide - 8])
    .paddingInner(lines.length < 80 ? 0.1 : 0);
  const y = d3.scaleLinear().domain(ends).range([high, 12]);
  const svg = box.append("svg").attr("width", wide).attr("height", high + 40).attr("role", "img").attr("aria-label", BARS);
  svg.append("rect").attr("class", "at").attr("x", x(chosen.step)).attr("width", x.bandwidth()).attr("y", 4).attr("height", high);
  stacked.forEach((part, place) => uprightPart(svg.append("g"), part, used[place], one, way, x, y));
  svg.append("g").attr("transform", "translate(48,0)").call(d3.axisLeft(y).ticks(5, "%").tickSizeOuter(0));
  const every = Math.ceil(lines.length / Math.floor((wide - 56) / 44));
  timeTicks(svg.append("g").attr("class", "time").attr("transform", `translate(0,${high + 4})`), one,
    lines.map((line) => line.step).filter((_, index) => index % every === 0), (step) => x(step) + x.bandwidth() / 2);
}

function uprightPart(made, part, k, one, way, x, y) {
  made.selectAll(null).data(part).enter().append("rect").attr("x", (d) => x(d.data.step)).attr("width", x.bandwidth())
    .attr("y", (d) => y(d[1])).attr("height", (d) => y(d[0]) - y(d[1])).call(filledAs, way, k)
    .classed("thin", x.bandwidth() < 8)
    .on("mousemove", (d) => tip(`before ${one.labels[d.data.step]}: ${named(way, k, d)}`, d3.event))
    .on("mouseleave", () => tip("")).on("click", (d) => choose({ step: d.data.step }));
}

const BARS = "Shares of the change by route; the numbers are in the table below";

function bars(box, one, way, lines, used) {
  const wide = Math.max(280, Math.min(620, box.node().clientWidth - 4)), high = 26, { stacked, ends } = partsOf(lines, used);
  const longest = d3.max(lines, (line) => word(one.labels[line.step]).length);
  const left = 16 + 7.4 * Math.max(6, Math.min(12, longest));
  const x = d3.scaleLinear().domain(ends).range([left, wide - 12]);
  const svg = box.append("svg").attr("width", wide).attr("height", lines.length * high + 52).attr("role", "img")
    .attr("aria-label", BARS);
  svg.append("g").attr("transform", `translate(0,${lines.length * high + 28})`)
    .call(d3.axisBottom(x).ticks(5, "%").tickSizeOuter(0));
  const rows = svg.selectAll(null).data(lines).enter().append("text").attr("x", left - 8)
    .attr("y", (_, i) => i * high + 43).attr("text-anchor", "end").attr("font-size", 13)
    .attr("font-weight", (line) => (line.step === chosen.step ? 700 : 400))
    .text((line) => word(one.labels[line.step])).style("cursor", "pointer");
  svg.append("text").attr("x", left - 8).attr("y", 16).attr("text-anchor", "end").attr("font-size", 12).text("before");
  rows.on("click", (line) => choose({ step: line.step }));
  stacked.forEach((part, place) => segments(svg, part, used[place], way, x, high));
}

function segments(svg, part, k, way, x, high) {
  const pieces = svg.append("g").selectAll(null).data(part).enter().filter((d) => Math.abs(d[1] - d[0]) > 1e-4);
  pieces.append("rect").attr("x", (d) => x(d[0])).attr("width", (d) => Math.max(0.5, x(d[1]) - x(d[0]) - 1))
    .attr("y", (d) => (d.data.at = part.indexOf(d), d.data.at * high + 28)).attr("height", high - 5)
    .call(filledAs, way, k)
    .on("mousemove", (d) => tip(named(way, k, d), d3.event)).on("mouseleave", () => tip(""))
    .on("click", () => way.units[way.names[k]] && valueNamed(way.names[k]) && choose({ value: way.names[k] }));
  pieces.append("text").attr("x", (d) => (x(d[0]) + x(d[1])) / 2).attr("y", (d) => d.data.at * high + 43)
    .attr("text-anchor", "middle").attr("font-size", 11).style("pointer-events", "none")
    .style("fill", d3.lab(routeColour(way, k)).l > 55 ? "#000" : "#fff")
    .text((d) => {
      const room = x(d[1]) - x(d[0]), long = `${way.names[k]} ${shown(100 * d.data.parts[k], 0)} %`;
      return room > long.length * 6.2 ? long : room > way.names[k].length * 7 + 4 ? way.names[k] : "";
    });
}

const filledAs = (made, way, k) => made.attr("fill", routeColour(way, k)).classed("outside", isOutside(way, k));
const isOutside = (way, k) => NO_EQUATION[way.names[k]] === "outside";

// Colours, and what the routes are that are no equation.
function key(box, way, used) {
  const entries = box.append("div").attr("class", "key").selectAll(null).data(used).enter().append("span");
  entries.append("i").style("background", (k) => routeColour(way, k)).classed("outside", (k) => isOutside(way, k));
  entries.append("span").text((k) => way.names[k]);
  box.append("ul").attr("class", "hint").selectAll(null).data(used.filter((k) => ROUTES_TOLD[way.names[k]])).enter()
    .append("li").text((k) => `${way.names[k]}: ${ROUTES_TOLD[way.names[k]]}`);
}

const ROUTES_TOLD = {
  carry: "it stays in the state, by the state's own equation.",
  "later inputs": alongTime
    ? "what is still to be read is swapped, too; no state holds anything of that yet."
    : `the swapped ${stepName} is still to be read, so no state holds anything of it yet.`,
  "earlier outputs": "it was part of the decision before this cut.",
};
