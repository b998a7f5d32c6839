// SPDX-License-Identifier: MIT
// Time, memory and rate against the length, ratios, growth.

// Chart and ratios of one shape.
function benchExplorer(data) {
  const state = {
    metric: "time",
    shape: data.shapes[0],
    reference: data.references[0] ?? null,
    on: new Set(data.mechanisms),
  };
  const chart = new LineChart("", {xTitle: "n, tokens in a sequence", xLog: true});
  const behind = el("div", null);
  const ratios = el("div", null);
  const show = () => {
    const metric = kMetrics[state.metric];
    const of = (mechanism, length) => {
      const cell = data.cell(state.shape, mechanism, length);
      return cell && (state.metric === "memory" || cell.state === "measured") ? metric.of(cell) : null;
    };
    chart.show(
      data.mechanisms.map((name) => ({
        name: data.names.get(name),
        style: data.styles.get(name),
        marks: true,
        hidden: !state.on.has(name),
        points: data.lengths
          .map((x) => ({x, y: of(name, x), ...ends(metric.interval(data.cell(state.shape, name, x) ?? {}))}))
          .filter(({y}) => y !== null),
      })),
      {
        yTitle: metric.axis,
        yLog: true,
        yFormat: metric.format,
        yTick: metric.tick,
        xFormat: grouped,
        xTicks: data.lengths,
        xRange: {min: data.lengths[0] * 0.9, max: data.lengths.at(-1) * 1.1},
      },
    );
    chart.say(
      `${metric.axis} against n, both axes logarithmic: ` +
        `${list([...state.on].map((name) => data.names.get(name)))}. The tables below have the numbers.`,
    );
    const shown = data.mechanisms.filter((name) => state.on.has(name));
    behind.replaceChildren(
      table(
        `${metric.axis}; ${state.shape}`,
        [{head: "n", number: true}, ...shown.map((name) => ({head: data.names.get(name), title: name, number: true}))],
        data.lengths.map((n) => [
          grouped(n),
          ...shown.map((name) => {
            const value = of(name, n);
            const cell = data.cell(state.shape, name, n);
            return value === null ? (cell?.state ?? kNone) : metric.format(value);
          }),
        ]),
      ),
    );
    if (state.reference) ratios.replaceChildren(ratioTable(data, state, shown));
  };
  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  show();
  const options = (values) => values.map((value) => ({value, text: value}));
  return [
    el(
      "div",
      {class: "stack"},
      el(
        "section",
        {class: "card"},
        el("h3", null, "Against the length"),
        el(
          "div",
          {class: "fields"},
          switchOf(
            "Draw",
            Object.entries(kMetrics).map(([value, {text}]) => ({value, text})),
            state.metric,
            set("metric"),
          ),
          data.shapes.length > 1
            ? choice("Shape", options(data.shapes), state.shape, set("shape"))
            : el("p", {class: "hint"}, data.shapes[0]),
        ),
        chart.element,
        lineSwitches(
          "Mechanisms",
          data.mechanisms.map((name) => ({name, text: data.names.get(name), style: data.styles.get(name)})),
          state.on,
          set("on"),
        ),
        details("The lines as a table", false, behind),
      ),
      growthCard(data),
    ),
    el(
      "section",
      {class: "card ratios"},
      el("h3", null, "Ratios"),
      data.references.length > 1
        ? el("div", {class: "fields"}, choice("Against", options(data.references), state.reference, set("reference")))
        : null,
      state.reference ? null : el("p", {class: "notice"}, "Nothing to compare with was measured."),
      ratios,
    ),
  ];
}

function ratioTable(data, {shape, reference}, shown) {
  const names = shown.filter((name) => name !== reference);
  const text = (name, n) => {
    const cell = data.cell(shape, name, n);
    const ratio = cell?.ratios.find((r) => r.reference === reference);
    if (!ratio) return cell && cell.state !== "measured" ? el("span", {title: cell.reason}, cell.state) : kNone;
    const interval = range(ratio.interval, significant);
    const sure = ratio.interval && (ratio.interval[0] > 1 || ratio.interval[1] < 1);
    return [
      el("strong", {class: sure ? (ratio.ratio > 1 ? "gain" : "loss") : null}, times(ratio.ratio)),
      interval ? el("small", null, interval) : "",
    ];
  };
  return table(
    `Times as fast as ${reference}, with the 95 % interval; below 1 it is slower`,
    [{head: "n", number: true}, ...names.map((name) => ({head: data.names.get(name), title: name, number: true}))],
    data.lengths.map((n) => [grouped(n), ...names.map((name) => text(name, n))]),
  );
}

function growthCard({results, names}) {
  if (!results.growth.length) return null;
  const fixedTokens = results.growth.every(({batch}) => batch === null);
  const threads = new Set(results.growth.map((growth) => growth.threads)).size > 1;
  const rows = results.growth.map((growth) => {
    const last = growth.slopes.at(-1);
    return [
      names.get(growth.mechanism),
      ...(threads ? [String(growth.threads)] : []),
      last ? `${grouped(last.from_length)} to ${grouped(last.to_length)}` : kNone,
      fixed(last?.slope, 2),
      last?.interval ? range(last.interval, (v) => fixed(v, 2)) : kNone,
    ];
  });
  const meaning = fixedTokens
    ? "0 is linear, 1 quadratic, as every call has the same tokens"
    : "1 is linear, 2 quadratic";
  const caption = `Exponent of n in the time at the longest lengths: ${meaning}`;
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Is it linear?"),
    table(
      caption,
      [
        {head: "mechanism"},
        ...(threads ? [{head: "threads", number: true}] : []),
        {head: "between n", number: true},
        {head: "exponent", number: true},
        {head: "interval", number: true},
      ],
      rows,
    ),
  );
}
