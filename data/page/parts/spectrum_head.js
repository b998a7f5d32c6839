// SPDX-License-Identifier: MIT
// The curves of what is picked, with a slider for k, and the answers at this k.
class HeadPanel {
  constructor(data) {
    this.data = data;
    this.kind = "cumulative";
    this.at = [0, 0];
    const {grid, results} = data;
    const start = grid.findIndex((m) => m >= (results.at ?? results.at_share));
    this.step = Math.max(start, 0);
    this.on = new Set(["head", "layer", "model", ...data.controls().slice(0, 1)]);
    this.title = el("h4", null);
    this.verdict = el("p", {class: "verdict"});
    this.answer = el("output", {class: "answer", "aria-live": "polite"});
    this.answers = el("div", null);
    this.behind = el("div", null);
    this.chart = new LineChart("", {xTitle: results.equal_length ? "k, singular values kept" : "share of n kept"});
    const id = newId();
    this.slider = el("input", {
      type: "range",
      id,
      min: 0,
      max: grid.length - 1,
      step: 1,
      value: this.step,
      oninput: () => this.slide(),
    });
    this.shown = el("span", {class: "at"});
    this.element = el(
      "section",
      {class: "card panel", "aria-label": "Curves of the head that is picked"},
      this.title,
      this.verdict,
      grid.length === 0
        ? el("p", {class: "notice"}, "This report has no curves.")
        : [
            switchOf(
              "Share of",
              [
                {value: "cumulative", text: "Σσ (the paper's)"},
                {value: "energy", text: "Σσ² (energy)"},
              ],
              this.kind,
              (kind) => {
                this.kind = kind;
                this.draw();
              },
            ),
            this.chart.element,
            lineSwitches("Lines", this.lines(), this.on, (on) => {
              this.on = on;
              this.draw();
            }),
            el(
              "div",
              {class: "slider"},
              el("label", {for: id}, "Keep the first k singular values"),
              this.slider,
              this.shown,
            ),
            this.answer,
            this.answers,
            details("The curves as a table", false, this.behind),
          ],
    );
  }

  lines() {
    const own = [
      ["head", "this head"],
      ["layer", "its layer"],
      ["model", "all layers"],
    ];
    const controls = this.data.controls().map((name) => [name, `${seriesName(name)} of this head`]);
    return [...own, ...controls].map(([name, text], i) => ({name, text, style: lineStyle(i)}));
  }

  // The record that a line is of: [series, layer, head].
  source(name) {
    const [i, j] = this.at;
    if (name === "head") return ["probabilities", i, j];
    if (name === "layer") return ["probabilities", i, this.data.results.heads.length];
    if (name === "model") return ["probabilities", null, null];
    return [name, i, j];
  }

  show(i, j, name) {
    this.at = [i, j];
    this.name = name;
    this.title.textContent = name.charAt(0).toUpperCase() + name.slice(1);
    this.verdict.replaceChildren(...this.verdictText());
    if (this.data.grid.length) this.draw();
  }

  // What the layer's comparison says, and the head's own difference.
  verdictText() {
    const {data} = this;
    const [i, j] = this.at;
    const control = data.controls()[0];
    if (!control) return ["No control was asked for, so there is no verdict."];
    const difference = data.difference(control, data.cumulative, i, j);
    const verdict = data.comparisons.get(control).layers[i].verdict;
    return [
      el("span", {class: `badge ${verdict}`}, `layer: ${verdict.replaceAll("-", " ")}`),
      " ",
      `${signed(100 * difference.mean, 1)} points against its ${seriesName(control)}`,
      difference.interval ? ` (${range(difference.interval, (v) => signed(100 * v, 1))})` : "",
    ];
  }

  draw() {
    const {data, kind} = this;
    const lines = this.lines().map((line, i) => ({
      ...line,
      name: line.text,
      wide: i === 0,
      hidden: !this.on.has(line.name),
      points: data.grid
        .map((x, p) => ({x, y: data.curve(...this.curveOf(line.name))?.[p]}))
        .filter(({y}) => y !== undefined),
    }));
    const what = kind === "cumulative" ? "Σσ" : "Σσ²";
    const equal = data.results.equal_length;
    this.chart.show(lines, {
      yTitle: `share of ${what}`,
      yFormat: percent,
      yTick: (v) => percent(v, 0),
      yRange: {min: 0, max: 1},
      xFormat: equal ? grouped : percent,
      xTick: equal ? grouped : (v) => percent(v, 0),
      xRange: {min: 0, max: data.grid.at(-1)},
    });
    this.chart.say(
      `Share of ${what} in the first k singular values: ${this.name}, with its layer, all layers and controls. ` +
        "The tables below have the numbers.",
    );
    this.slide();
    const shown = this.lines().filter(({name}) => this.on.has(name));
    const rows = data.grid.map((m, p) => [
      equal ? grouped(m) : percent(m),
      ...shown.map(({name}) => percent(data.curve(...this.curveOf(name))?.[p], 2)),
    ]);
    this.behind.replaceChildren(
      table(
        `Share of ${what} kept, ${this.name}`,
        [{head: equal ? "k" : "k/n", number: true}, ...shown.map(({text}) => ({head: text, number: true}))],
        rows,
      ),
    );
  }

  curveOf(name) {
    const [series, i, j] = this.source(name);
    return [series, this.kind, i, j];
  }

  // What share is kept at this k, and which k keeps so much.
  slide() {
    const {data} = this;
    this.step = Number(this.slider.value);
    const m = data.grid[this.step];
    const at = data.pointName(m);
    this.slider.setAttribute("aria-valuetext", at);
    this.shown.textContent = at;
    this.chart.pointAt(m);
    const kept = (name, kind) => {
      const [series, i, j] = this.source(name);
      return percent(data.curve(series, kind, i, j)?.[this.step]);
    };
    const k95 = data.summary("probabilities", "k95_sigma", ...this.at);
    this.answer.replaceChildren(
      el("strong", null, `${at} keeps ${kept("head", "cumulative")}`),
      ` of Σσ and ${kept("head", "energy")} of Σσ² on average. `,
      k95 ? `To keep 95 % of Σσ takes k = ${grouped(k95.median)} for half of the sequences ` : "",
      k95 ? `and ${grouped(k95.max)} for all of them.` : "",
    );
    // Where lengths differ the mean curves are of m/n, and no k belongs to them.
    const quotas = data.results.equal_length ? [90, 95, 99] : [];
    const reaches = (name, quota) => {
      const [series, i, j] = this.source(name);
      return grouped(data.record(series, i, j)?.mean_curve_k?.[`k${quota}_sigma`]);
    };
    const heads = ["Σσ\u00a0kept", "Σσ²\u00a0kept", ...quotas.map((quota) => `${quota}\u00a0%`)];
    this.answers.replaceChildren(
      table(
        `At ${at}` + (quotas.length ? ", and the k at which the mean curve reaches 90, 95 and 99 % of Σσ" : ""),
        [{head: "of"}, ...heads.map((head) => ({head, number: true}))],
        this.lines().map(({name, text}) => [
          text,
          kept(name, "cumulative"),
          kept(name, "energy"),
          ...quotas.map((quota) => reaches(name, quota)),
        ]),
      ),
    );
  }
}
