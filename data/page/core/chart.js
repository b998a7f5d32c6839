// SPDX-License-Identifier: MIT
// Line charts. Lines differ in colour, dash and mark, so that neither colour alone nor print in grey loses them.
const kColours = 8; // --line-0 to --line-7 of the style sheet
const kDashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const kMarks = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "rectRounded"];

/// How the i-th line looks; the first 56 all differ. The colour is a property of the style sheet, so that it follows
/// light and dark.
const lineStyle = (i) => ({
  colour: `--line-${i % kColours}`,
  dash: kDashes[i % kDashes.length],
  mark: kMarks[i % kMarks.length],
});

/// A colour of the style sheet as it is now, in light or in dark.
function colourOf(name) {
  const probe = el("i", {style: `color: var(${name})`, hidden: true});
  document.body.append(probe);
  const {color} = getComputedStyle(probe);
  probe.remove();
  return color;
}

/// What an interval adds to a point that carries it.
const ends = (interval) => (interval ? {low: interval[0], high: interval[1]} : {});

// Whiskers of points that carry an interval, {x, y, low, high}, under the marks.
const whiskers = {
  id: "whiskers",
  beforeDatasetsDraw(chart) {
    const {
      ctx,
      scales: {y},
    } = chart;
    ctx.save();
    ctx.lineWidth = 1.5;
    chart.data.datasets.forEach((dataset, i) => {
      if (!chart.isDatasetVisible(i)) return;
      ctx.strokeStyle = dataset.borderColor;
      chart.getDatasetMeta(i).data.forEach((mark, j) => {
        const {low, high} = dataset.data[j];
        if (low === undefined) return;
        ctx.beginPath();
        ctx.moveTo(mark.x, y.getPixelForValue(low));
        ctx.lineTo(mark.x, y.getPixelForValue(high));
        ctx.stroke();
      });
    });
    ctx.restore();
  },
};

// A vertical line at chart.options.plugins.ruler.at.
const ruler = {
  id: "ruler",
  afterDatasetsDraw(chart, _, options) {
    if (options.at === null || options.at === undefined) return;
    const {
      ctx,
      chartArea: {top, bottom},
      scales: {x},
    } = chart;
    ctx.save();
    ctx.strokeStyle = colourOf("--ink");
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(x.getPixelForValue(options.at), top);
    ctx.lineTo(x.getPixelForValue(options.at), bottom);
    ctx.stroke();
    ctx.restore();
  },
};

/// A chart; `label` says in words what is drawn, `yTitle` may come with the lines.
class LineChart {
  constructor(label, {xTitle, yTitle = "", xLog = false}) {
    this.canvas = el("canvas", {role: "img", "aria-label": label});
    this.element = el("div", {class: "chart"}, this.canvas);
    this.axes = {xTitle, yTitle, xLog, yLog: false, xFormat: String, yFormat: String, xTick: null, yTick: null};
    this.lines = [];
    this.at = null;
    drawn.add(this);
  }

  /// Lines of {name, points of {x, y, low, high}, style, marks, wide, hidden}.
  show(lines, axes = {}) {
    this.lines = lines;
    Object.assign(this.axes, axes);
    this.draw();
  }

  say(label) {
    this.canvas.setAttribute("aria-label", label);
  }

  /// Moves the ruler.
  pointAt(x) {
    this.at = x;
    if (!this.chart) return;
    this.chart.options.plugins.ruler.at = x;
    this.chart.update("none");
  }

  draw() {
    if (!this.chart)
      this.chart = new Chart(this.canvas, {type: "line", data: {datasets: []}, plugins: [whiskers, ruler]});
    this.chart.data.datasets = this.lines.map((line) => this.dataset(line));
    this.chart.options = this.options();
    this.chart.update("none");
  }

  dataset({name, points, style, marks = false, wide = false, hidden = false}) {
    const colour = colourOf(style.colour);
    return {
      label: name,
      data: points,
      hidden,
      borderColor: colour,
      backgroundColor: colour,
      borderDash: style.dash,
      borderWidth: wide ? 3 : 2,
      pointStyle: style.mark,
      pointRadius: marks ? 4 : 0,
      pointHoverRadius: 5,
      pointHitRadius: 8,
      tension: 0,
      clip: 8,
      parsing: false,
    };
  }

  options() {
    const {xTitle, yTitle, xLog, yLog, xFormat, yFormat, xTick, yTick, xRange, yRange, xTicks} = this.axes;
    const ink = colourOf("--ink-soft");
    const rule = colourOf("--rule");
    const font = {family: getComputedStyle(document.body).fontFamily, size: 13};
    const axis = (title, log, format) => ({
      type: log ? "logarithmic" : "linear",
      title: {display: true, text: title, color: ink, font},
      grid: {color: rule},
      ticks: {color: ink, font, callback: (value) => format(value), maxRotation: 0},
    });
    const x = {...axis(xTitle, xLog, xTick ?? xFormat), ...xRange};
    const y = {...axis(yTitle, yLog, yTick ?? yFormat), ...yRange};
    if (xTicks) x.afterBuildTicks = (scale) => (scale.ticks = xTicks.map((value) => ({value})));
    if (yLog) y.afterBuildTicks = (scale) => (scale.ticks = decades(scale));
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      normalized: true,
      interaction: {mode: "nearest", axis: "x", intersect: false},
      scales: {x, y},
      plugins: {
        legend: {display: false},
        ruler: {at: this.at},
        tooltip: {
          bodyFont: font,
          titleFont: font,
          callbacks: {
            title: (items) => (items.length ? `${xTitle}: ${xFormat(items[0].parsed.x)}` : ""),
            label: (item) => `${item.dataset.label}: ${yFormat(item.parsed.y)}`,
          },
        },
      },
    };
  }
}

// Powers of ten, and 2 and 5 times these where there are few.
function decades({min, max}) {
  const low = Math.floor(Math.log10(min));
  const high = Math.ceil(Math.log10(max));
  const steps = high - low > 4 ? [1] : high - low > 2 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = low; power <= high; ++power) for (const step of steps) ticks.push({value: step * 10 ** power});
  return ticks.filter(({value}) => value >= min * 0.999 && value <= max * 1.001);
}

const drawn = new Set();
/// Light became dark, or the other way round.
const redrawCharts = () => drawn.forEach((chart) => chart.draw());

/// Boxes to switch lines on and off, each with a sample of its line; `changed` is called with the names that are on.
function lineSwitches(legend, lines, on, changed) {
  const chosen = new Set(on);
  return el(
    "fieldset",
    {class: "lines"},
    el("legend", null, legend),
    lines.map(({name, text, style}) =>
      el(
        "label",
        null,
        el("input", {
          type: "checkbox",
          value: name,
          checked: chosen.has(name),
          onchange: (event) => {
            if (event.target.checked) chosen.add(name);
            else chosen.delete(name);
            changed(chosen);
          },
        }),
        sample(style),
        el("span", null, text ?? name),
      ),
    ),
  );
}

// A short piece of a line, drawn as the chart does it.
function sample({colour, dash}) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 28 8");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", "M0 4H28");
  line.setAttribute("style", `stroke: var(${colour}); stroke-dasharray: ${dash.join(" ") || "none"}`);
  svg.append(line);
  return svg;
}
