// Saturation: what units do as a rule.

const SYMBOLS = [d3.symbolCircle, d3.symbolTriangle, d3.symbolSquare, d3.symbolDiamond, d3.symbolCross, d3.symbolStar];

function drawSaturation() {
  const box = d3.select("#saturation"), names = Object.keys(report.saturation);
  if (!names.length) {
    box.attr("class", "hint").text("No value of this cell has an outermost function with a range.");
    return;
  }
  const plots = filled(box, "svg", names).attr("viewBox", "0 0 244 250").attr("class", "plot").attr("role", "group")
    .attr("aria-label", (name) => "Saturation of " + called(valueNamed(name)));
  plots.each(function (name, place) { scatter(d3.select(this), name, place); });
}

// A gate between 0 and 1 is shut or open; what else has a range is near its ends.
function endNames(value) {
  const [low, high] = value.range || ["its lowest", "its highest"];
  return low === 0 && high === 1 ? ["shut", "open"] : [low, high].map((end) => `near ${String(end).replace("-", "−")}`);
}

function frame(svg, name, x, y, large) {
  const [low, high] = endNames(valueNamed(name)), axis = (made) => made.ticks(large ? 2 : 4, "%");
  svg.append("text").attr("x", x(0)).attr("y", 16).attr("font-weight", 600).style("font-size", "1.15em")
    .text(called(valueNamed(name)));
  svg.append("g").attr("transform", "translate(0,200)").call(axis(d3.axisBottom(x))).attr("font-size", null);
  svg.append("g").attr("transform", `translate(${x(0)},0)`).call(axis(d3.axisLeft(y))).attr("font-size", null);
  svg.append("line").attr("x1", x(0)).attr("y1", y(1)).attr("x2", x(1)).attr("y2", y(0))
    .attr("stroke", "currentColor").attr("stroke-opacity", 0.25);
  const titles = [[`translate(${x(0.5)},242)`, `${high} (highest tenth)`],
    [`translate(14,114) rotate(-90)`, `${low} (lowest tenth)`]];
  svg.selectAll(null).data(titles).enter().append("text").attr("transform", (one) => one[0]).attr("text-anchor", "middle")
    .text((one) => one[1]);
}

function scatter(svg, name, place) {
  const { left, right } = report.saturation[name];
  const large = narrow(), edge = large ? 66 : 52;  // a phone shows plots at half the size
  const x = d3.scaleLinear().domain([0, 1]).range([edge, large ? 222 : 230]), y = d3.scaleLinear().domain([0, 1]).range([200, 28]);
  frame(svg.style("font-size", large ? "16px" : "11px"), name, x, y, large);
  const shape = d3.symbol().type(SYMBOLS[place % SYMBOLS.length]);
  const told = (unit) => `${name}[${unit}]: highest tenth ${percent(right[unit])}, lowest tenth ${percent(left[unit])}`;
  svg.selectAll(null).data(d3.range(left.length)).enter().append("path")
    .attr("class", "dot").attr("data-unit", (unit) => unit)
    .attr("transform", (unit) => `translate(${x(right[unit])},${y(left[unit])})`)
    .attr("d", (unit) => shape.size(unit === chosen.unit ? 150 : 42)(unit))
    .attr("fill", (unit) => (unit === chosen.unit ? "var(--accent)" : "currentColor"))
    .attr("fill-opacity", (unit) => (unit === chosen.unit ? 0.9 : 0.3)).attr("stroke", "var(--card)")
    .style("cursor", "pointer")
    .on("mousemove", (unit) => tip(told(unit), d3.event)).on("mouseleave", () => tip(""))
    .on("click", (unit) => choose({ unit, value: name }))
    .append("title").text(told);
}
