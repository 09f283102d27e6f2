// What suffices for a change, by patching, and what it needs, by units held halfway.

function drawCauses() {
  const one = column(), swap = other(), found = swap && swap.causes;
  d3.select("#patching").selectAll("*").remove();
  d3.select("#carriers").selectAll("*").remove();
  const change = swap && `“${swapped(one, swap)}” → “${word(swap.label)}”`;
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
  const units = Object.entries(found.units).flatMap(([states, byUnit]) => alone(found, states).map((unit) => ({
    name: found.carrying.length > 1 ? `${states.split(", ").join(" ")} [${unit}]` : `unit ${unit}`, told: `${states} of unit ${unit} alone`, parts: byUnit[unit],
    pick: { unit, value: states.split(", ").slice(-1)[0] } })));
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
  head.selectAll(null).data(columns).enter().append("th").attr("scope", "col").append("button")
    .attr("type", "button").attr("title", (entry) => entry.told).attr("aria-label", (entry) => entry.told)
    .attr("aria-pressed", (entry) => String(isPicked(entry.pick))).text((entry) => entry.name)
    .on("click", (entry) => choose(entry.pick));
  const lines = made.append("tbody").selectAll(null).data(found.steps).enter().append("tr")
    .classed("chosen", (step) => step === chosen.step);
  lines.append("th").attr("scope", "row").text((step) => word(one.labels[step]));
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
  const percent = (part) => (part === null || part === undefined ? "–" : shown(100 * part, 0) + " %"), box = d3.select("#carriers");
  if (titled) box.append("h3").text(group.states.join(" and "));
  const rows = group.sets.map((held) => [held.units.join(", "), percent(held.lost),
    percent(d3.median(held.controls)), percent(d3.max(held.controls))]);
  const lines = table(box.append("div"), ["units held", "lost", "random: median", "most"], rows);
  lines.each(function (_, index) {
    const held = group.sets[index], parts = [held.lost, d3.median(held.controls), d3.max(held.controls)];
    d3.select(this).selectAll("td").attr("class", "number ablated")
      .style("--share", (_, place) => 100 * Math.max(0, Math.min(1, parts[place] || 0)) + "%");
  });
  const ranked = d3.range(group.lost.length).sort((a, b) => group.lost[b] - group.lost[a]).slice(0, 8);
  box.append("p").attr("class", "hint").text(`Each alone, of ${group.states.join(" and ")}:`);
  box.append("div").attr("class", "bar").selectAll(null).data(ranked).enter().append("button").attr("type", "button")
    .attr("data-carrier", (unit) => unit).attr("aria-pressed", (unit) => String(unit === chosen.unit))
    .text((unit) => `unit ${unit}: ${percent(group.lost[unit])}`).on("click", (unit) => choose({ unit }));
}
