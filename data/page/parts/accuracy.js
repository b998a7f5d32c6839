// SPDX-License-Identifier: MIT
// The part of an accuracy report: what replacing attention costs, by k and by head.

const wholePercent = (v) => percent(v, 0);

const kCosts = {
  output_error: {text: "Output error", of: (cell) => cell.model.output_error, format: percent, tick: wholePercent},
  skill: {text: "Skill", of: (cell) => cell.model.skill, format: (v) => fixed(v, 3)},
  hidden_error: {
    text: "Error of the last hidden states",
    of: (cell) => cell.all_replaced?.hidden_error,
    format: percent,
    tick: wholePercent,
  },
  loss_increase_nats: {
    text: "Increase of the loss",
    of: (cell) => cell.all_replaced?.loss_increase_nats,
    format: (v) => signed(v, 3),
  },
  agreement: {
    text: "Same best prediction",
    of: (cell) => cell.all_replaced?.agreement,
    format: percent,
    tick: wholePercent,
  },
};

const kKinds = {
  exact: "exact, as a check",
  optimum: "a bound: the best of rank k",
  approximates: "comes near without training",
  untrained: "means nothing without training",
};

const textsOf = (costs) => costs.map((value) => ({value, text: kCosts[value].text}));

// The costs that a report has for any cell.
const costsOf = ({cells}) => Object.keys(kCosts).filter((cost) => cells.some((cell) => kCosts[cost].of(cell)));

function accuracyTrust({report, results}) {
  const {checks} = report;
  const trust = [];
  trust.push([
    checks.exact_cells > 0 && checks.passed,
    checks.exact_cells > 0
      ? `${counted(checks.exact_cells, "replacement")} that must change nothing changed outputs by ` +
        `${significant(checks.largest_exact_error)} at most (allowed: ${significant(checks.tolerance)}).`
      : "No exact replacement was asked for, so nothing checks the run.",
  ]);
  trust.push([
    results.calibration_sequences === 0 ? null : results.calibration_documents > 0 && results.sequences >= kFewSequences,
    `${counted(results.calibration_sequences, "sequence")} to learn from, ${results.sequences} others to be judged by` +
      (results.calibration_documents > 0 ? "." : ", of the same document: errors on other texts may be larger."),
  ]);
  if (!report.complete) trust.push([false, `Stopped after ${results.sequences} of ${report.planned_sequences}.`]);
  trust.push([
    null,
    "Nothing was trained: these are bounds and starting points. The paper's accuracies are of models that were " +
      "pretrained with their projections.",
  ]);
  return reasons(trust);
}

function costTable({cells}, costs) {
  const row = (cell) => [
    cell.name,
    kKinds[cell.kind] ?? cell.kind,
    ...costs.map((cost) => {
      const {of, format} = kCosts[cost];
      const summary = of(cell);
      return summary ? [format(summary.mean), el("small", null, range(summary.interval, format))] : kNone;
    }),
  ];
  return table(
    "What replaces attention and what that costs: heads' outputs, then the model with every layer replaced",
    [{head: "in its place"}, {head: "what it is"}, ...costs.map((cost) => ({head: kCosts[cost].text, number: true}))],
    cells.map(row),
  );
}

// A cost against k, a line a method; what has no k is drawn across, and what means nothing untrained is off at first.
function costChart({cells}, costs) {
  const ks = [...new Set(cells.map(({k}) => k).filter((k) => k !== null))].sort((a, b) => a - b);
  const methods = [...new Set(cells.map(({method}) => method))];
  const meant = methods.filter((name) => cells.find(({method}) => method === name).kind !== "untrained");
  const state = {cost: costs[0], on: new Set(meant)};
  const chart = new LineChart("", {xTitle: "k", xLog: true});
  const styles = new Map(methods.map((method, i) => [method, lineStyle(i)]));
  const show = () => {
    const {text, of, format, tick} = kCosts[state.cost];
    const points = (method) =>
      cells
        .filter((cell) => cell.method === method && of(cell) && of(cell).mean !== null)
        .flatMap((cell) => {
          const point = {y: of(cell).mean, ...ends(of(cell).interval)};
          return cell.k === null ? [ks[0], ks.at(-1)].map((x) => ({x, ...point})) : [{x: cell.k, ...point}];
        });
    const lines = methods.map((name) => ({
      name,
      style: styles.get(name),
      marks: true,
      hidden: !state.on.has(name),
      points: points(name),
    }));
    chart.show(lines, {
      yTitle: text,
      yFormat: format,
      yTick: tick ?? format,
      xFormat: grouped,
      xTicks: ks,
      xRange: {min: ks[0] * 0.9, max: ks.at(-1) * 1.1},
    });
    chart.say(`${text} against k by what replaces attention; the table has the numbers`);
  };
  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  show();
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Against k"),
    el("div", {class: "fields"}, choice("Cost", textsOf(costs), state.cost, set("cost"))),
    chart.element,
    lineSwitches(
      "Lines",
      methods.map((name) => ({name, style: styles.get(name)})),
      state.on,
      set("on"),
    ),
  );
}

// Which heads can be replaced: output error or skill of each.
function costMap({cells, layers, heads}) {
  const state = {cell: (cells.find(({kind}) => kind !== "exact") ?? cells[0]).name, cost: "output_error"};
  const told = el("output", {class: "answer", "aria-live": "polite"});
  const of = (cost, i, j) => {
    const layer = cells.find(({name}) => name === state.cell).layers[i];
    return j < heads.length ? layer.heads[j][cost] : layer[cost].mean;
  };
  const map = new HeatMap("", layers, heads, (i, j) => {
    const all = ["output_error", "skill"].map((cost) => `${kCosts[cost].text} ${kCosts[cost].format(of(cost, i, j))}`);
    told.textContent = `${map.name(i, j)}: ${all.join(", ")}`;
  });
  const show = () => {
    const {text, format} = kCosts[state.cost];
    map.show(`${text}, ${state.cell}`, (i, j) => of(state.cost, i, j), {
      text: (v) => fixed(100 * v, 0),
      format,
      diverging: false,
    });
    map.pick(...map.at);
  };
  const set = (key) => (value) => {
    state[key] = value;
    show();
  };
  show();
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Layers and heads"),
    el(
      "div",
      {class: "fields"},
      choice(
        "In the place of attention",
        cells.map(({name}) => ({value: name, text: name})),
        state.cell,
        set("cell"),
      ),
      choice("Cost", textsOf(["output_error", "skill"]), state.cost, set("cost")),
    ),
    el("p", {class: "hint"}, "In hundredths. Pick a head by pointer, or with Tab and the arrow keys."),
    map.element,
    told,
  );
}

parts.set("linformer/accuracy/1", {
  question: "What does low rank cost this model?",
  title: () => "What replacing attention costs",
  about: ({input, results}) => `${modelOf(input)} · ${counted(results.sequences, "sequence")} of ${results.length}`,
  draw(section, report) {
    const {results} = report;
    const costs = costsOf(results);
    const loss = results.loss_nats;
    section.append(
      verdicts(
        [
          el(
            "p",
            null,
            "Trained with its projections, a Linformer predicts about as well as the Transformer: " +
              "91.8 to 92.3 % on average of four tasks, against 92.3 %.",
          ),
          el("p", {class: "source"}, "Linformer, Table 2; n = 512, k = 128 and 256"),
        ],
        [
          loss
            ? headline([
                {
                  name: `${results.loss_name.replace(/_nats$/, "").replaceAll("_", " ")} as it is, in nats`,
                  value: fixed(loss.mean, 2),
                  more: range(loss.interval, (v) => fixed(v, 2)),
                },
              ])
            : null,
          el(
            "p",
            null,
            "What a model that was trained with exact attention loses when something else takes its place: ",
            "on the outputs of its heads, and on the whole model with all layers replaced.",
          ),
        ],
        accuracyTrust({report, results}),
      ),
    );
    if (results.sequences === 0 || results.cells.length === 0) return;
    section.append(
      el("div", {class: "explorer"}, costChart(results, costs), costMap(results)),
      el("section", {class: "card"}, el("h3", null, "All replacements"), costTable(results, costs)),
    );
  },
});
