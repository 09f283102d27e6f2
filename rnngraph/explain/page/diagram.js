// The drawing of the cell: a gate lights up with what it reads, and arrows carry live values.

function prepareDiagram() {
  d3.select("#diagram").selectAll("g.node").each(function () {
    const node = d3.select(this), key = node.select("title").text();
    const value = report.values.find((one) => one.box === key || one.name === key);
    node.attr("data-box", key);
    if (!value) return;
    const pick = () => choose({ value: value.name });
    node.attr("tabindex", 0).attr("role", "button").attr("aria-label", called(value)).on("click", pick)
      .on("keydown", () => {
        if (d3.event.key !== "Enter" && d3.event.key !== " ") return;
        d3.event.preventDefault();
        pick();
      });
  });
  d3.select("#diagram").selectAll("title").each(function () {
    const parent = this.parentNode;  // the browser would show a node's key as a tooltip
    parent.setAttribute("data-title", this.textContent);
    this.remove();
  });
  const drawing = d3.select("#diagram svg"), wide = parseFloat(drawing.attr("width"));
  drawing.style("min-width", Math.min(wide, Math.max(480, 0.75 * wide)) + "px");  // smaller, nobody could read it
  filled(d3.select("#equations"), "span", report.cell.text.trimEnd().split("\n")).text((line) => line + "\n");
}

function drawDiagram() {
  const value = valueNamed(chosen.value), view = d3.select("#diagram");
  const reads = new Set(report.cell.arrows.filter((arrow) => arrow[1] === value.box).map((arrow) => arrow[0]));
  view.selectAll("g.node").classed("lit", function () { return this.dataset.box === value.box; })
    .classed("dim", function () { return this.dataset.box !== value.box && !reads.has(this.dataset.box); })
    .attr("aria-pressed", function () { return this.hasAttribute("tabindex") ? String(this.dataset.box === value.box) : null; });
  view.selectAll(".live").remove();
  view.selectAll("g.edge").each(function () {
    const [tail, head] = this.dataset.title.split("->");
    const path = this.querySelector("path"), delay = path.hasAttribute("stroke-dasharray");
    const lit = !delay && head === value.box;
    d3.select(this).classed("lit", lit).classed("dim", !lit);
    if (lit) label(d3.select(this), path, live(tail));
  });
  d3.selectAll("#equations span").classed("lit", (line) => defines(line, value));
  const at = quoted(column().labels[chosen.step]);
  d3.select("#diagram-told").text(`${called(value)} at ${at} in “${column().title}”, unit ${chosen.unit}: ` +
    `${shown(current(value.name, chosen.step), 3)}. On each arrow: what is read, at the same unit ` +
    "(its norm, where there is no such unit).");
}

function defines(line, value) {
  const left = line.split("=")[0].trim().replace(/^output /, "").replace(/'$/, "");
  return line.includes("=") && left === (value.kept || value.name);
}

function current(name, step) {
  const row = rowOf(column(), name, step), norms = column().norms[name];
  return chosen.unit < row.length ? row[chosen.unit] : norms ? norms[step] : Math.hypot(...row);
}

// What stands in a box: a state's own box holds what the step before left.
function live(box) {
  if (column().inputs[box]) return shown(current(box, chosen.step));
  const value = report.values.find((one) => one.box === box);
  if (value) return shown(current(value.name, chosen.step));
  const state = report.values.find((one) => one.name === box);
  if (!state) return "“" + word(column().labels[chosen.step]) + "”";
  return chosen.step ? shown(current(state.name, chosen.step - 1)) : "start";
}

function label(edge, path, text) {
  const middle = path.getPointAtLength(path.getTotalLength() * 0.45);
  edge.append("text").attr("class", "live").attr("x", middle.x).attr("y", middle.y + 3)
    .attr("text-anchor", "middle").text(text);
}
