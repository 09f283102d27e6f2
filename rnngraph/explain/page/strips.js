// Sentences side by side: a line for each step, a strip for each value.

function drawControls() {
  const bar = d3.select("#controls");
  bar.selectAll("*").remove();
  const one = lookedAt.map((value) => [value.name, chosen.alone && chosen.value === value.name,
    () => choose({ alone: true, value: value.name })]);
  const all = () => choose({ alone: false, value: valueNamed(chosen.value).kept || chosen.value });
  group(bar, "Strips", [["all", !chosen.alone, all], ...one]);
  group(bar, "Show", [
    ["values", !chosen.change, () => choose({ change: false })],
    ["what the swap changes", chosen.change, () => choose({ change: true })],
  ]);
  group(bar, "Units", [
    ["by effect", chosen.sorted, () => choose({ sorted: true })],
    ["by number", !chosen.sorted, () => choose({ sorted: false })],
  ]);
  unitControl(bar.append("span"));
}

// The number of the unit, between buttons to its neighbours in the strips.
function unitControl(box) {
  const step = (by, text, name) => box.append("button").attr("type", "button").attr("data-key", `unit ${by}`)
    .attr("aria-label", name).text(text).on("click", () => moveUnit(by));
  box.append("label").text("unit ").append("input").attr("type", "number").attr("id", "unit").attr("data-key", "unit")
    .attr("min", 0).attr("max", d3.max(report.values, (value) => value.units) - 1).property("value", chosen.unit)
    .on("change", function () { choose({ unit: Math.max(0, Math.min(+this.max, +this.value || 0)) }); });
  step(-1, "‹", "unit before");
  step(1, "›", "next unit");
}

function group(bar, title, entries) {
  const field = bar.append("fieldset");
  field.append("legend").text(title);
  const made = field.selectAll(null).data(entries).enter().append("button").text((entry) => entry[0]);
  control(made, (_, index) => `${title} ${index}`, (entry) => entry[1], (entry) => entry[2]());
}

function strips() {
  return chosen.alone ? [valueNamed(chosen.value)] : report.values;
}

function stripWidth(value) {
  const room = Math.min(1300, window.innerWidth - 40) / report.columns.length - 90;
  const each = Math.max(44, room / strips().length - 8);
  return Math.round(Math.max(value.units * 2, Math.min(Math.max(value.units * 20, Math.min(value.units * 40, 480)), each)));
}

function drawGrid() {
  if (alongTime) {
    drawTimelines();
    return;
  }
  const lines = 1 + d3.max(report.columns, (one) => d3.max(one.lines));
  const table = filled(d3.select("#grid"), "table", [0]).attr("class", "grid");
  const head = table.append("thead");
  head.append("tr").selectAll(null).data(report.columns).enter().append("th")
    .attr("class", "title").attr("colspan", 1 + strips().length).attr("scope", "colgroup")
    .text((one) => one.title);
  const names = head.append("tr");
  report.columns.forEach((_, at) => {
    names.append("td");
    names.selectAll(null).data(strips()).enter().append("th").attr("scope", "col").append("button")
      .call(valueButton, at);
  });
  const body = table.append("tbody"), colours = palette();
  const scales = new Map(strips().map((value) => [value.name, scaleOf(value, colours)]));
  for (const line of d3.range(lines)) drawLine(body.append("tr"), line, colours, scales);
}

// The name of a strip. Those of one column are enough on the way of the Tab key.
function valueButton(made, at) {
  control(made, (value) => `value ${at} ${value.name}`, (value) => value.name === chosen.value,
    (value) => choose({ value: value.name }))
    .attr("title", called).attr("aria-label", (value) => called(value) + ": its equation")
    .attr("tabindex", at ? -1 : null).text((value) => value.name);
}

function drawLine(row, line, colours, scales) {
  report.columns.forEach((one, at) => {
    const step = one.lines.indexOf(line);
    if (step < 0) {
      row.append("td").attr("colspan", 1 + strips().length);
      return;
    }
    drawWord(row.append("th").attr("scope", "row").attr("class", "word"), one, at, step);
    const here = at === chosen.column && step === chosen.step;
    for (const value of strips()) drawStrip(row.append("td").classed("at", here), value, at, step, colours, scales.get(value.name));
  });
}

function drawWord(cell, one, at, step) {
  const swapped = one.others.some((entry) => entry.step === step);
  const now = other(at), takes = now && now.step === step && now.last === step && chosen.change;
  const here = at === chosen.column && step === chosen.step, text = word(takes ? now.label : one.labels[step]);
  const marks = [swapped && ["⇄", "can be swapped"], step === one.decided && ["◆", "then it decides"]].filter(Boolean);
  const button = control(cell.append("button"), `word ${at} ${step}`, () => here, () => pickWord(at, step))
    .attr("data-column", at).attr("data-step", step).attr("tabindex", here ? 0 : -1).text(text)
    .attr("aria-label", [text, ...marks.map((mark) => mark[1])].join(", "));
  button.selectAll(null).data(marks).enter().append("span").attr("class", "mark")
    .attr("title", (mark) => mark[1]).text((mark) => " " + mark[0]);
}

// A word that can be swapped is chosen together with its swap.
function pickWord(at, step) {
  const found = report.columns[at].others.findIndex((entry) => entry.step === step);
  const picked = chosen.other.slice();
  if (found >= 0 && (other(at) || {}).step !== step) picked[at] = found;
  choose({ column: at, step, other: picked });
}

function drawStrip(cell, value, at, step, colours, scale) {
  const width = stripWidth(value), high = chosen.alone ? 24 : 20, units = order(value), row = numbers(at, value.name, step);
  const canvas = cell.append("canvas").attr("role", "img").attr("aria-label", spoken(value, at, step, row));
  const under = (event) => units[Math.min(units.length - 1, Math.max(0,
    Math.floor((event.offsetX / width) * units.length)))];
  canvas.on("click", () => choose({ column: at, step, value: value.name, unit: under(d3.event) }))
    .on("mousemove", () => {
      const unit = under(d3.event);
      tip(`${called(value)}[${unit}] at “${word(report.columns[at].labels[step])}”: ` +
        (row ? shown(row[unit], 3) : "no swap"), d3.event);
    }).on("mouseleave", () => tip(""));
  const pen = penOf(canvas, width, high);
  if (row) paint(pen, units, row, width, high, colours, scale);
}

function spoken(value, at, step, row) {
  const unit = unitOf(value.units);
  const means = report.columns[at].means[value.name], mean = means && !changing(value) ? means[step] : d3.mean(row || []);
  return `${called(value)} at ${report.columns[at].labels[step]}: ` +
    (row ? `unit ${unit} ${shown(row[unit])}, mean ${shown(mean)}` : "no swap");
}

function paint(pen, units, row, width, high, colours, scale) {
  const each = width / units.length, ticks = each >= 5;
  units.forEach((unit, place) => {
    const { colour, part, unsigned } = scale(row[unit] || 0, unit);
    pen.fillStyle = colour;
    pen.fillRect(place * each, 0, each + 0.5, high);
    if (ticks) {
      const level = unsigned ? 1 - part : (1 - part) / 2;
      pen.fillStyle = d3.lab(colour).l > 55 ? "#000" : "#fff";
      pen.fillRect(place * each + 1, 1 + level * (high - 4), each - 2, 2);
    }
    if (unit === chosen.unit) {
      pen.fillStyle = colours.mark;  // beside a narrow square rather than over it
      pen.fillRect(place * each, 0, Math.max(each, 3), 3);
      pen.fillRect(place * each, high - 3, Math.max(each, 3), 3);
    }
  });
}

function drawLegend() {
  const value = valueNamed(chosen.value), colours = palette();
  const unsigned = isUnsigned(value), box = d3.select("#legend");
  box.selectAll("*").remove();
  const scale = unsigned ? colours.sequential : colours.diverging;
  const entry = box.append("span");
  const ends = value.range && !changing(value) ? value.range.map((end) => shown(end, 0)) : ["most below 0", "most above 0"];
  entry.append("span").text(`${called(value)}: ${ends[0]}`);
  const canvas = entry.append("canvas").attr("width", 100).attr("height", 12).attr("aria-hidden", "true").node();
  for (const x of d3.range(100)) {
    const pen = canvas.getContext("2d");
    pen.fillStyle = scale(unsigned ? x / 99 : (x / 99) * 2 - 1);
    pen.fillRect(x, 0, 1, 12);
  }
  entry.append("span").text(ends[1]);
  if (value.kept) box.append("span").text(`the part of ${value.kept} that is left of the ${stepName} before` +
    (chosen.change ? ", without a swap" : ""));
  const swap = other();
  if (!alongTime) box.append("span").text("⇄ can be swapped");
  else if (swap) {
    const told = box.append("span");
    told.append("i").attr("class", "swap-bar");
    told.append("span").text(`another row is read instead${sourceOf(swap) && movingInputs().some(isLined) ? " (thick lines)" : ""}: in ${column().title}, ${swap.label}`);
  }
  box.append("span").text("◆ then it decides");
  box.append("span").text(orderTold(value));
  box.append("span").text(`${alongTime ? "outlined" : "marked above and below"}: unit ${chosen.unit}`);
}
