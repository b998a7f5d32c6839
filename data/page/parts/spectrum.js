// SPDX-License-Identifier: MIT
// The part of a spectrum report.

// What the reports have beside the sentence: the level, the control and the difference of the first M.
function spectrumHeadline(data) {
  const own = data.summary("probabilities", data.cumulative, null);
  if (!own) return null;
  const {at, at_share, length} = data.results;
  const items = [
    {
      name: at ? `of Σσ in the first ${at} of ${length}` : `of Σσ in the first ${percent(at_share, 0)}`,
      value: percent(own.mean),
      more: range(own.interval, percent),
    },
  ];
  for (const control of data.controls().slice(0, 1)) {
    const other = data.summary(control, data.cumulative, null);
    const difference = data.difference(control, data.cumulative, null);
    items.push({
      name: `in the ${seriesName(control)}`,
      value: percent(other?.mean),
      more: range(other?.interval, percent),
    });
    items.push({
      name: "difference, in points",
      value: signed(100 * difference.mean, 1),
      more: range(difference.interval, (v) => signed(100 * v, 1)),
    });
  }
  return headline(items);
}

function spectrumTrust(data) {
  const {report, results} = data;
  const {checks, input} = report;
  const {sequences, units, unit, confidence} = results;
  const trust = [];
  trust.push([
    checks.passed,
    `${grouped(checks.matrices)} matrices: Σσ² agrees with ‖P‖² within ${significant(checks.largest_norm_error)}; ` +
      (checks.verified
        ? `${grouped(checks.verified)} computed again in f64 differ by ${significant(checks.largest_verified_error)} σ₁ ` +
          `at most (allowed: ${significant(checks.tolerance)}).`
        : "none was computed again in f64."),
  ]);
  const enough = Boolean(data.summary("probabilities", results.statistics[0], null).interval);
  trust.push([
    enough,
    `${counted(sequences, "sequence")} in ${counted(units, unit)}` +
      (enough
        ? `; intervals are at ${percent(confidence, 0)} over these, so they speak of this text, not of all texts.`
        : ": too few for intervals and verdicts."),
  ]);
  if (!report.complete)
    trust.push([false, `Stopped after ${sequences} of ${counted(report.planned_sequences, "sequence")}.`]);
  if (input.architecture?.family !== "roberta")
    trust.push([
      null,
      "Not the paper's model: it looked at RoBERTa-base and RoBERTa-large, n = 512, on 10,000 sequences of WikiText-103 and IMDB.",
    ]);
  trust.push([
    null,
    "A head that spreads its attention widely is low rank whatever it has learned. What counts is the difference from " +
      "the matched control: random attention with the row entropy of the very same head.",
  ]);
  trust.push(
    results.causal
      ? [false, "Causal heads: a Linformer's projections would mix future positions, so no k follows from this."]
      : [
          null,
          "Low rank of P says that a good k × n factor exists for each input, not that one fixed projection finds it.",
        ],
  );
  return reasons(trust);
}

parts.set("linformer/spectrum/1", {
  question: "Is attention in this transformer low rank?",
  title: () => "Spectrum of attention",
  about({input, results}) {
    const length = results.length ? ` of ${results.length}` : "";
    return `${modelOf(input)} · ${counted(results.sequences, "sequence")}${length}`;
  },
  draw(section, report) {
    const data = new SpectrumReport(report);
    const {certified, sequences} = report.results;
    section.append(
      verdicts(
        [
          el(
            "p",
            null,
            "Self-attention can be approximated by a low-rank matrix: in pretrained RoBERTa at n = 512 a few singular " +
              "values hold most of P, in every layer and head, and more so in higher layers.",
          ),
          el("p", {class: "source"}, "Linformer, Figure 1 and section 3"),
        ],
        [spectrumHeadline(data), el("p", null, report.summary)],
        certified ? certifiedTrust(report) : spectrumTrust(data),
      ),
    );
    if (certified) section.append(...certifiedParts(report.results));
    else if (sequences > 0)
      section.append(
        spectrumExplorer(data),
        el("section", {class: "card"}, el("h3", null, "Layers"), layerTable(data)),
      );
  },
});
