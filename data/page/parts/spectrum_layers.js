// SPDX-License-Identifier: MIT
// Layers and heads: the map in which one is picked, the layers' chart and their table.

// Heat map and panel, bound together; the layers' chart under the map.
function spectrumExplorer(data) {
  const {layers, heads, statistics} = data.results;
  const panel = new HeadPanel(data);
  const attention = data.results.attention_maps && new AttentionMapPanel({maps: data.results.attention_maps, heads});
  const map = new HeatMap("", layers, heads, (i, j) => {
    panel.show(i, j, map.name(i, j));
    attention?.show(i, j, map.name(i, j));
  });
  const state = {statistic: data.cumulative ?? statistics[0], view: "probabilities"};
  const views = [
    ...[...data.series.keys()].map((name) => ({value: name, text: seriesName(name), group: "Values"})),
    ...data
      .controls()
      .map((name) => ({value: `minus ${name}`, text: `P minus ${seriesName(name)}`, group: "Differences"})),
  ];
  const show = () => {
    const {statistic, view} = state;
    const {text, cell, format} = statisticOf(statistic);
    const control = view.startsWith("minus ") ? view.slice("minus ".length) : null;
    const value = (i, j) =>
      (control ? data.difference(control, statistic, i, j) : data.summary(view, statistic, i, j))?.mean ?? null;
    const withSign = (write) => (v) => (v > 0 && control ? "+" : "") + write(v);
    map.show(`${text}, ${views.find((v) => v.value === view).text}`, value, {
      text: withSign(cell),
      format: withSign(format),
      diverging: control !== null,
    });
  };
  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  show();
  map.pick(0, 0);
  return el(
    "div",
    {class: "explorer"},
    el(
      "div",
      {class: "stack"},
      el(
        "section",
        {class: "card"},
        el("h3", null, "Layers and heads"),
        el(
          "div",
          {class: "fields"},
          choice(
            "Statistic",
            statistics.map((name) => ({value: name, text: statisticOf(name).text})),
            state.statistic,
            set("statistic"),
          ),
          choice("Of", views, state.view, set("view")),
        ),
        el("p", {class: "hint"}, "Pick a head by pointer, or with Tab and the arrow keys."),
        map.element,
      ),
      data.cumulative ? layerChart(data) : null,
    ),
    attention ? el("div", {class: "stack"}, panel.element, attention.element) : panel.element,
  );
}

// The first M's share by layer, with the controls: the paper's second claim is that higher layers are lower rank.
function layerChart(data) {
  const {results} = data;
  const {text} = statisticOf(data.cumulative);
  const names = ["probabilities", ...data.controls()];
  const lines = names.map((name, s) => ({
    name,
    text: seriesName(name),
    style: lineStyle(s),
    marks: true,
    wide: s === 0,
    points: results.layers.map((layer, i) => {
      const {mean, interval} = data.summary(name, data.cumulative, i, results.heads.length);
      return {x: layer, y: mean, low: interval?.[0], high: interval?.[1]};
    }),
  }));
  const {layers} = results;
  const xTicks = layers.filter((_, i) => i % Math.ceil(layers.length / 24) === 0);
  const xRange = {min: layers[0], max: layers.at(-1)};
  const chart = new LineChart(`${text} by layer, with controls; the table of layers has the numbers`, {
    xTitle: "layer",
    yTitle: text,
  });
  const draw = (on) =>
    chart.show(
      lines.map((line) => ({...line, name: line.text, hidden: !on.has(line.name)})),
      {yFormat: percent, yTick: (v) => percent(v, 0), yRange: {min: 0, max: 1}, xTicks, xRange},
    );
  draw(new Set(names));
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Are higher layers lower rank?"),
    chart.element,
    lineSwitches("Lines", lines, names, draw),
    layerSlopes(results.layer_slopes ?? []),
  );
}

// By how much the share rises from layer to layer, plain and beyond the controls.
function layerSlopes(slopes) {
  const points = (v) => signed(100 * v, 2);
  const sentences = slopes
    .filter(({slope}) => slope.mean !== null)
    .map(({of, slope: {mean, interval}}) =>
      el(
        "li",
        null,
        `${of}: ${points(mean)} points from layer to layer`,
        interval ? ` (${range(interval, points)})` : "",
      ),
    );
  return sentences.length ? el("ul", {class: "plain"}, sentences) : null;
}

function layerTable(data) {
  const {results} = data;
  const past = results.heads.length;
  const control = data.controls()[0];
  const half = (summary) =>
    summary?.interval ? ` ± ${fixed(50 * (summary.interval[1] - summary.interval[0]), 1)}` : "";
  const row = (name, i) => {
    const of = (statistic) => data.summary("probabilities", statistic, i, past);
    const own = of(data.cumulative);
    const k90 = of("k90_sigma");
    const other = control && data.difference(control, data.cumulative, i, past);
    return [
      name,
      percent(own?.mean) + half(own),
      ...(control
        ? [
            percent(data.summary(control, data.cumulative, i, past)?.mean),
            signed(100 * other.mean, 1) + half(other),
            i === null
              ? ""
              : el(
                  "span",
                  {class: `badge ${data.comparisons.get(control).layers[i].verdict}`},
                  data.comparisons.get(control).layers[i].verdict.replaceAll("-", " "),
                ),
          ]
        : []),
      k90 ? [k90.median, k90.p95, k90.max].map((v) => fixed(v, 0)).join(" / ") : kNone,
      percent(data.energy && of(data.energy)?.mean),
      fixed(of("effective_rank")?.mean, 1),
      fixed(of("row_entropy")?.mean, 2),
    ];
  };
  const number = (head, title) => ({head, number: true, title});
  return table(
    "Layers, means over heads and sequences; ± is half the interval",
    [
      {head: "layer", number: true},
      number(statisticOf(data.cumulative).short),
      ...(control ? [number(seriesName(control)), number("difference", "in points"), {head: "verdict"}] : []),
      number("k90 σ: median / p95 / max"),
      number(data.energy ? statisticOf(data.energy).short : "energy"),
      number("effective rank"),
      number("row entropy"),
    ],
    [...results.layers.map((layer, i) => row(String(layer), i)), row("all", null)],
  );
}
