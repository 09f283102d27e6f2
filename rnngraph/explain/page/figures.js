// Saturation: what units do as a rule.

const SYMBOLS = [d3.symbolCircle, d3.symbolTriangle, d3.symbolSquare, d3.symbolDiamond, d3.symbolCross, d3.symbolStar];

function drawSaturation() {
  const box = d3.select("#saturation"), names = Object.keys(report.saturation);
  if (!names.length) {
    box.attr("class", "hint").text("No value of this cell has an outermost function with a range.");
    return;
  }
  const plots = filled(box, "svg", names).attr("viewBox", "0 0 232 250").attr("class", "plot").attr("role", "group")
    .attr("aria-label", (name) => "Saturation of " + called(valueNamed(name)));
  plots.each(function (name, place) { scatter(d3.select(this), name, place); });
}

function scatter(svg, name, place) {
  const { left, right } = report.saturation[name];
  const x = d3.scaleLinear().domain([0, 1]).range([40, 218]), y = d3.scaleLinear().domain([0, 1]).range([206, 28]);
  svg.append("text").attr("x", 40).attr("y", 16).attr("font-size", 13).attr("font-weight", 600).text(called(valueNamed(name)));
  svg.append("g").attr("transform", "translate(0,206)").call(d3.axisBottom(x).ticks(4, "%"));
  svg.append("g").attr("transform", "translate(40,0)").call(d3.axisLeft(y).ticks(4, "%"));
  svg.append("line").attr("x1", x(0)).attr("y1", y(1)).attr("x2", x(1)).attr("y2", y(0))
    .attr("stroke", "currentColor").attr("stroke-opacity", 0.25);
  svg.append("text").attr("x", 129).attr("y", 242).attr("text-anchor", "middle").attr("font-size", 11).text("open (highest tenth)");
  const shape = d3.symbol().type(SYMBOLS[place % SYMBOLS.length]);
  const told = (unit) => `${name}[${unit}]: highest tenth ${shown(100 * right[unit], 0)} %, lowest tenth ${shown(100 * left[unit], 0)} %`;
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
