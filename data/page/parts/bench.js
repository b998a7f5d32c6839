// SPDX-License-Identifier: MIT
// The part of a bench report.

const sure = ([low, high]) => (low <= 1 && high >= 1 ? ", so not surely different" : "");

// What the report found, a sentence a finding.
function benchFindings(data) {
  const found = data.references
    .map((reference) => {
      const cell = data.best(reference);
      if (!cell) return null;
      const {ratio, interval} = cell.ratios.find((r) => r.reference === reference);
      return {
        name: `${data.names.get(cell.mechanism)} at n = ${grouped(cell.length)}`,
        value: times(ratio),
        more: `as fast as ${reference}` + (interval ? ` (${range(interval, significant)}${sure(interval)})` : ""),
      };
    })
    .filter(Boolean);
  const crossovers = data.results.crossovers
    .filter(({mechanism}) => !data.references.includes(mechanism))
    .map((c) =>
      el(
        "li",
        null,
        el("code", null, data.names.get(c.mechanism)),
        c.length === null
          ? ` against ${c.reference}: ${c.length_reason}`
          : ` is faster than ${c.reference} from about n = ${grouped(Math.round(c.length))} on`,
        data.shapes.length > 1 ? ` (${counted(c.threads, "thread")})` : "",
        ".",
      ),
    );
  return [headline(found), crossovers.length ? el("ul", {class: "plain"}, crossovers) : null];
}

function benchTrust({report, results, cells}) {
  const {checks, machine, warnings} = report;
  const trust = [];
  const worst = Math.max(0, ...cells.map(({error}) => (error ? error.largest_over_largest_output / error.bound : 0)));
  trust.push([
    checks.passed,
    checks.passed
      ? "Every cell that was timed was first checked against plain loops in f64; " +
        `the worst is at ${percent(worst, 0)} of what is allowed.`
      : `${counted(checks.wrong_cells, "cell")} differed from the f64 reference and was not timed.`,
  ]);
  if (!results.complete) trust.push([false, "Stopped early; cells with too few samples are left out."]);
  if (results.peak_drift !== null)
    trust.push([
      results.peak_drift > 0.9,
      `In nine rounds of ten the processor reached ${percent(results.peak_drift, 0)} of its best rate.`,
    ]);
  const part = (c) => c.timed_heads < c.heads || c.timed_batch < c.batch || c.timed_layers < c.layers;
  const scaled = cells.filter((c) => c.state === "measured" && part(c)).length;
  if (scaled > 0)
    trust.push([
      null,
      `${counted(scaled, "cell")} would have taken too long: a part was timed and the time multiplied.`,
    ]);
  const needs = new Set(cells.filter((c) => c.needs_training).map((c) => c.mechanism.split(":")[0]));
  if (needs.size > 0)
    trust.push([null, `${[...needs].join(", ")} must be trained. Speed says nothing of what that costs in accuracy.`]);
  if (results.level !== "model")
    trust.push([
      null,
      `Timed here: ${results.subject}. The paper's ratios are of a whole model's forward pass, where attention is a part.`,
    ]);
  trust.push([
    null,
    "The paper compared with attention that stores P, on a GPU with 16 GB. Here it is " +
      `${machine.cpu ?? "a processor"} with ${counted(machine.threads, "thread")}, and flash beside it, exact attention ` +
      "that stores no P and is what people run today.",
  ]);
  if (warnings.length > 0) trust.push([false, warningList(warnings)]);
  return reasons(trust);
}

const warningList = (warnings) =>
  details(
    counted(warnings.length, "warning"),
    warnings.length <= 2,
    el(
      "ul",
      {class: "plain"},
      warnings.map(({text}) => el("li", null, text)),
    ),
  );

parts.set("linformer/bench/1", {
  question: "What does linear attention buy on this machine?",
  title: () => "Time and memory of attention",
  machineMatters: true,
  about: ({results, machine}) => `${results.subject} · ${machine.cpu ?? "processor unknown"}`,
  draw(section, report) {
    const data = new BenchReport(report);
    section.append(
      verdicts(
        [
          el(
            "p",
            null,
            "With keys and values projected to k rows, time and memory grow as n instead of n². A whole model with " +
              "k = 128 runs 1.5 times as fast at n = 512, 3.4 times at 4,096 and 20 times at 65,536, in 1.7 to 60 " +
              "times less memory.",
          ),
          el("p", {class: "source"}, "Linformer, Tables 1 and 3; one V100, against attention that stores P"),
        ],
        benchFindings(data),
        benchTrust(data),
      ),
    );
    if (data.measured().length > 0) section.append(el("div", {class: "explorer"}, benchExplorer(data)));
  },
});
