// SPDX-License-Identifier: MIT
// What the page asks of a spectrum report, and what its statistics and series are called.

// What statistics are called and how they are written; the first pattern that fits is taken.
const kStatistics = [
  [
    /^cumulative_at_(.+)$/,
    (m) => ({text: `c at ${m}: share of Σσ kept`, short: `c at ${m}`, format: percent, cell: (v) => fixed(100 * v, 0)}),
  ],
  [
    /^energy_at_(.+)$/,
    (m) => ({
      text: `e at ${m}: share of Σσ² kept`,
      short: `e at ${m}`,
      format: percent,
      cell: (v) => fixed(100 * v, 0),
    }),
  ],
  [/^k(\d+)_sigma$/, (q) => ({text: `k for ${q} % of Σσ`, short: `k${q} σ`, format: (v) => fixed(v, 1)})],
  [/^k(\d+)_energy$/, (q) => ({text: `k for ${q} % of Σσ²`, short: `k${q} σ²`, format: (v) => fixed(v, 1)})],
  [/^effective_rank$/, () => ({text: "effective rank", format: (v) => fixed(v, 1)})],
  [/^stable_rank$/, () => ({text: "stable rank", format: (v) => fixed(v, 1)})],
  [/^gap$/, () => ({text: "gap 1 − σ₂/σ₁", format: (v) => fixed(v, 3)})],
  [
    /^sigma1_energy_share$/,
    () => ({text: "σ₁'s share of the energy", format: percent, cell: (v) => fixed(100 * v, 0)}),
  ],
  [/^sigma1$/, () => ({text: "σ₁", format: (v) => fixed(v, 3)})],
  [/^row_entropy$/, () => ({text: "row entropy in nats", format: (v) => fixed(v, 2)})],
  [/^(.*)$/, (name) => ({text: name.replaceAll("_", " "), format: significant})],
];

function statisticOf(name) {
  const [pattern, make] = kStatistics.find(([p]) => p.test(name));
  const made = make(pattern.exec(name)[1]);
  return {short: made.text, cell: (v) => (Math.abs(v) < 10 ? fixed(v, 1) : fixed(v, 0)), ...made};
}

const kSeriesNames = {
  probabilities: "attention P",
  centred: "P without its mean row",
  logits: "logits",
  matched: "matched control",
  permuted: "permuted control",
  init: "untrained model",
  "causal-uniform": "causal uniform control",
};
const seriesName = (name) => kSeriesNames[name] ?? name;

class SpectrumReport {
  constructor(report) {
    this.report = report;
    this.results = report.results;
    this.series = new Map(this.results.series.map((series) => [series.name, series]));
    this.comparisons = new Map(this.results.comparisons.map((comparison) => [comparison.control, comparison]));
    this.grid = this.results.curves_at ?? [];
    this.cumulative = this.results.statistics.find((name) => name.startsWith("cumulative_at_"));
    this.energy = this.results.statistics.find((name) => name.startsWith("energy_at_"));
  }

  /// Of a series, the record of a head, of a layer (j past the heads) or, with i null, of the model.
  record(series, i, j) {
    const of = this.series.get(series);
    if (!of || i === null) return of?.model;
    return j < this.results.heads.length ? of.layers[i].heads[j] : of.layers[i];
  }

  summary(series, statistic, i, j) {
    return this.record(series, i, j)?.statistics[statistic] ?? null;
  }

  /// P minus a control: as the report has it, with its interval, for the statistic that it compares; else of the means.
  difference(control, statistic, i, j) {
    const comparison = this.comparisons.get(control);
    if (comparison && comparison.statistic === statistic) {
      const layer = i === null ? comparison.model : comparison.layers[i];
      return (j < this.results.heads.length ? layer.heads[j] : layer)?.difference ?? null;
    }
    const [own, other] = ["probabilities", control].map(
      (series) => this.summary(series, statistic, i, j)?.mean ?? null,
    );
    return own === null || other === null ? null : {mean: own - other, interval: null};
  }

  curve(series, kind, i, j) {
    return this.record(series, i, j)?.curves?.[kind] ?? null;
  }

  controls() {
    return [...this.comparisons.keys()];
  }

  /// "k = 128", or "25 % of n" where lengths differ.
  pointName(value) {
    return this.results.equal_length ? `k\u00a0=\u00a0${grouped(value)}` : `k\u00a0=\u00a0${percent(value)} of n`;
  }
}
