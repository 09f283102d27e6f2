// What suffices for a change, by patching; what it needs, by units held halfway; and what becomes
// of every decision without a unit.

function drawCauses() {
  const one = column(), swap = other(), found = swap && swap.causes;
  d3.select("#patching").selectAll("*").remove();
  d3.select("#carriers").selectAll("*").remove();
  const change = swap && arrowed(one, swap);
  const none = swap ? "The swap does not change the decision." : "There is no swap for this column.";
  d3.select("#patching-told").text(!found ? none :
    `The part, in %, of what ${change} does to the decision that comes about if one value alone, just after one ` +
    `${stepName}, is what it is with the swap; 100 restores all of it. Choose a name or a number to look at it.`);
  d3.select("#carriers-told").text(!found ? none :
    `How much of what ${change} does to the decision is lost while units are held halfway between both, ` +
    "beside as many other units at random.");
  if (!found) return;
  drawPatching(one, found);
  for (const group of found.carrying) drawCarriers(group, found.carrying.length > 1);
}

// Values, then all states together, then the states of single units.
function patchedColumns(found) {
  const values = Object.entries(found.patched).map(([name, parts]) => ({
    name: valueNamed(name) ? name : "all states", told: valueNamed(name) ? called(valueNamed(name)) : name,
    parts, pick: valueNamed(name) ? { value: name } : {} }));
  const several = found.carrying.length > 1;
  const units = Object.entries(found.units).flatMap(([states, byUnit]) => alone(found, states).map((unit) => ({
    name: several ? `${states.split(", ").join(" ")} [${unit}]` : `unit ${unit}`, told: `${states} of unit ${unit} alone`,
    parts: byUnit[unit], pick: { unit, value: states.split(", ").slice(-1)[0] } })));
  return [...values, ...units];
}

// The units that carry most, as many as a table has room for.
function alone(found, states) {
  const group = found.carrying.find((one) => one.states.join(", ") === states);
  return group.sets[group.sets.length - 1].units.slice(0, 3);
}

function drawPatching(one, found) {
  const columns = patchedColumns(found), low = d3.interpolateLab(tone("card"), tone("low")),
    high = d3.interpolateLab(tone("card"), tone("high"));
  const made = d3.select("#patching").append("table").attr("class", "heat");
  const head = made.append("thead").append("tr");
  head.append("th").attr("scope", "col").text("after");
  const heads = head.selectAll(null).data(columns).enter().append("th").attr("scope", "col").append("button");
  control(heads, (entry) => `patched ${entry.name}`, (entry) => isPicked(entry.pick), (entry) => choose(entry.pick))
    .attr("title", (entry) => entry.told).attr("aria-label", (entry) => entry.told).text((entry) => entry.name);
  const lines = made.append("tbody").selectAll(null).data(found.steps).enter().append("tr")
    .classed("chosen", (step) => step === chosen.step);
  control(lines.append("th").attr("scope", "row").append("button"), (step) => `patched ${step}`,
    (step) => step === chosen.step, (step) => choose({ step })).text((step) => word(one.labels[step]));
  lines.each(function (step, place) {
    d3.select(this).selectAll(null).data(columns).enter().append("td").attr("class", "number")
      .style("background", (entry) => (entry.parts[place] < 0 ? low : high)(0.45 * Math.min(1, Math.abs(entry.parts[place]))))
      .text((entry) => shown(100 * entry.parts[place], 0)).on("click", (entry) => choose({ step, ...entry.pick }));
  });
}

function isPicked(pick) {
  const parts = Object.entries(pick);
  return parts.length > 0 && parts.every(([part, picked]) => chosen[part] === picked);
}

function drawCarriers(group, titled) {
  const box = d3.select("#carriers");
  if (titled) box.append("h3").text(group.states.join(" and "));
  const rows = group.sets.map((held) => [held.units.join(", "), percent(held.lost), percent(held.median), percent(held.most)]);
  const lines = table(box.append("div"), ["units held", "lost", "random: median", "most"], rows);
  lines.each(function (_, index) {
    const held = group.sets[index], parts = [held.lost, held.median, held.most];
    d3.select(this).selectAll("td").attr("class", "number bar-cell")
      .style("--to", (_, place) => 100 * Math.max(0, Math.min(1, parts[place] || 0)) + "%");
  });
  const ranked = d3.range(group.lost.length).sort((a, b) => group.lost[b] - group.lost[a]).slice(0, 8);
  box.append("p").attr("class", "hint").text(`Each alone, of ${group.states.join(" and ")}:`);
  const units = box.append("div").attr("class", "bar").selectAll(null).data(ranked).enter().append("button");
  control(units, (unit) => `carrier ${group.states} ${unit}`, (unit) => unit === chosen.unit, (unit) => choose({ unit }))
    .text((unit) => `unit ${unit}: ${percent(group.lost[unit])}`);
}

// Every unit alone: shares of right decisions, or what each column's decision becomes.
function drawAblation() {
  const found = report.ablation, box = d3.select("#ablation");
  d3.select("#ablation-told").text(ablationTold(found));
  const units = d3.range(found.units.length).sort((a, b) => found.effect[b] - found.effect[a]);
  const rows = [{ name: "whole model", numbers: found.whole, whole: true },
    ...(found.median ? [{ name: `a random unit, median of ${found.controls.length}`, numbers: found.median }] : []),
    ...units.map((at) => ({ name: "without unit " + found.units[at].join(", "), numbers: found.without[at],
      effect: found.effect[at], unit: found.units[at][0] }))];
  const made = filled(box, "table", [0]);
  ablationHead(made.append("thead").append("tr"), found);
  const most = d3.max(found.without, (row) => d3.max(row, (number, c) => Math.abs(number - found.whole[c]))) || 1;
  const some = rows.slice(0, chosen.everyUnit ? rows.length : rows.length - units.length + FEW);
  const lines = made.append("tbody").selectAll(null).data(some).enter().append("tr");
  lines.each(function (row) { ablationLine(d3.select(this), row, found, most); });
  if (units.length > FEW) {
    box.append("button").attr("type", "button").attr("data-key", "ablated units")
      .text(chosen.everyUnit ? "fewer units" : `all ${units.length} units`)
      .on("click", () => choose({ everyUnit: !chosen.everyUnit }));
  }
}

const FEW = 8;  // units that are shown unless all are asked for

function ablationTold(found) {
  const start = `Each unit of ${found.states.join(" and ")} alone is held ${found.held}, at every ${stepName}. `;
  const sorted = "The units that matter most come first. ";
  if (found.by === "accuracy") {
    return start + "The numbers are shares of right decisions, by condition; “lost” is how much of the " +
      "preference for the right word is lost, in nats. " + sorted;
  }
  const one = report.columns[0], nats = one.forms.length > 1;
  return start + (nats ? "The numbers are what each decision becomes, in nats (above 0: for the first word of the two)"
    : `The numbers are what becomes of ${one.question}`) +
    ", and in brackets how far that is from the whole model; a bar to the left is a decrease, to the right an increase. " +
    sorted;
}

function ablationHead(line, found) {
  line.append("th").append("span").attr("class", "unseen").text("unit");
  line.append("th").attr("scope", "col").text(found.by === "accuracy" ? "lost" : "mean change");
  const heads = line.selectAll(null).data(found.conditions).enter().append("th").attr("scope", "col");
  heads.text((name) => name);
  if (found.by === "accuracy" || report.columns[0].forms.length < 2) return;
  heads.append("span").attr("class", "soft").text((_, c) => report.columns[c].question);
}

function ablationLine(line, row, found, most) {
  const head = line.append("th").attr("scope", "row");
  if (row.unit === undefined) head.text(row.name);
  else {
    const pick = () => choose({ unit: row.unit }), picked = row.unit === chosen.unit;
    line.classed("chosen", picked).classed("pickable", true).on("click", pick);
    control(head.append("button"), `ablated ${row.unit}`, () => picked, null).text(row.name);  // the line picks
  }
  const digits = decimals(found.by === "accuracy" ? d3.max(found.effect) : most);
  line.append("td").attr("class", "number").text(row.effect === undefined ? "" : shown(row.effect, digits));
  const cells = line.selectAll(null).data(row.numbers).enter().append("td").attr("class", "number");
  if (found.by === "accuracy") {
    cells.classed("bar-cell", true).style("--to", (share) => 100 * share + "%").text((share) => percent(share, 1));
    return;
  }
  cells.each(function (number, c) {
    decisionCell(d3.select(this), number, row.whole ? null : number - found.whole[c], most, digits);
  });
}

// The bar starts in the middle and goes where the decision goes.
function decisionCell(cell, number, change, most, digits) {
  cell.text(shown(number, digits) + " ");
  if (change === null) return;
  const end = 50 + 50 * (change / most);
  cell.attr("class", "number bar-cell middle")
    .style("--from", Math.min(50, end) + "%").style("--to", Math.max(50, end) + "%")
    .append("span").attr("class", "soft").text(`(${+change.toFixed(digits) > 0 ? "+" : ""}${shown(change, digits)})`);
}

// As many as tell numbers of a table apart of which this is the largest.
const decimals = (most) => Math.max(2, 1 - Math.floor(Math.log10(Math.abs(most) || 1)));

const percent = (part, digits = 0) => (part === null || part === undefined ? "–" : shown(100 * part, digits) + " %");
