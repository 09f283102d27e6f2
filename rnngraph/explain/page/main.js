// Everything is drawn from what is chosen; the keyboard chooses as the mouse does.

function draw() {
  const { key } = document.activeElement ? document.activeElement.dataset : {};
  const places = d3.selectAll(".scroll").nodes().map((node) => [node, node.scrollLeft]);
  tip("");
  drawAll();
  for (const [node, left] of places) node.scrollLeft = left;
  cueAll();
  focusKey(key, true);
}

function drawAll() {
  drawControls();
  drawGrid();
  drawLegend();
  drawWordPanel();
  drawRoutes();
  drawCauses();
  drawDiagram();
  drawSaturation();
  drawAblation();
  announce();
}

// What is cut at the right fades out there, and can be scrolled from the keyboard.
function cue(node) {
  const cut = node.scrollWidth - node.clientWidth > 1;
  d3.select(node).classed("more", cut && node.scrollLeft + node.clientWidth < node.scrollWidth - 1)
    .attr("tabindex", cut ? 0 : null).attr("role", cut ? "region" : null)
    .attr("aria-label", cut ? `${sectionTitle(node)}: scrolls sideways` : null);
}

const cueAll = () => d3.selectAll(".scroll").each(function () { cue(this); });
const sectionTitle = (node) => node.closest("section").querySelector("h2").textContent;

// What is chosen, for those who cannot see it.
function announce() {
  const value = valueNamed(chosen.value), row = numbers(chosen.column, value.name, chosen.step);
  const unit = unitOf(value.units);
  d3.select("#said").text(`${d3.select("#word-title").text()}, ${called(value)}, unit ${unit}: ` +
    (row ? shown(row[unit]) : "no swap"));
}

// A control that was drawn anew has the focus that its forerunner had.
function focusKey(key, preventScroll) {
  const found = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (found) found.focus({ preventScroll });
}

// From a word to a neighbour: along the column, or to the nearest line of the next column.
function move(from, down, across) {
  const at = Math.max(0, Math.min(report.columns.length - 1, +from.column + across));
  const one = report.columns[at], line = report.columns[+from.column].lines[+from.step];
  const near = d3.scan(one.lines, (a, b) => Math.abs(a - line) - Math.abs(b - line));
  const step = across ? near : Math.max(0, Math.min(one.labels.length - 1, +from.step + down));
  pickWord(at, step);
  focusKey(`word ${at} ${step}`, false);
}

function moveUnit(by) {
  const units = order(valueNamed(chosen.value));
  const place = Math.max(0, units.indexOf(chosen.unit)) + by;
  choose({ unit: units[(place + units.length) % units.length] });
}

const KEYS = {
  ArrowUp: (from) => move(from, -1, 0), ArrowDown: (from) => move(from, 1, 0),
  ArrowLeft: (from) => move(from, 0, -1), ArrowRight: (from) => move(from, 0, 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || /INPUT|SELECT/.test(event.target.tagName)) return;
  if (event.key === "[" || event.key === "]") moveUnit(event.key === "]" ? 1 : -1);
  else if (event.target.dataset && event.target.dataset.time) {
    if (moveTime(+event.target.dataset.time, event.key)) event.preventDefault();
  } else if (KEYS[event.key] && event.target.dataset && event.target.dataset.step) {
    event.preventDefault();
    KEYS[event.key](event.target.dataset);
  }
});

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  draw();
}

const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
d3.select("#theme").on("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
prefersDark.addListener((event) => setTheme(event.matches));
window.addEventListener("resize", () => {
  clearTimeout(window.redraw);
  window.redraw = setTimeout(draw, 120);
});

filled(d3.select("#story"), "p", report.story).text((sentence) => sentence);
d3.select("#words-title").text(`${stepName[0].toUpperCase()}${stepName.slice(1)} by ${stepName}`);
d3.selectAll(".step-name").text(stepName);
d3.selectAll(".for-words").attr("hidden", alongTime ? true : null);
d3.selectAll(".for-time").attr("hidden", alongTime ? null : true);
prepareDiagram();
d3.selectAll(".scroll").on("scroll", function () { cue(this); });
listeners.push(draw);
setTheme(prefersDark.matches);
