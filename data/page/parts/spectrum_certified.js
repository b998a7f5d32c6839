// SPDX-License-Identifier: MIT
// Spectra that were found without P: intervals of the energy in the leading values, by length and layer.

// The mean over heads of both ends of an interval at each m that all of them have.
function meanEnds(heads, key) {
  const [first, ...others] = heads.map(({at}) => new Map(at.map((point) => [point.m, point[key]])));
  const shared = [...first.keys()].filter((m) => others.every((points) => points.has(m)));
  const all = (m) => [first, ...others].map((points) => points.get(m));
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  return shared
    .filter((m) => all(m).every((interval) => interval !== null))
    .map((m) => ({m, low: mean(all(m).map(([low]) => low)), high: mean(all(m).map(([, high]) => high))}));
}

/// Heads that belong together, by a key made of them.
function grouping(heads, keyOf) {
  const groups = new Map();
  for (const head of heads) groups.set(keyOf(head), [...(groups.get(keyOf(head)) ?? []), head]);
  return groups;
}

function certifiedChart(heads) {
  const groups = grouping(heads, ({rows}) => rows);
  const chart = new LineChart("Share of Σσ² in the first m singular values, by length; the table has the numbers", {
    xTitle: "m",
    yTitle: "share of Σσ², mean over heads",
    xLog: true,
  });
  const lines = [...groups].map(([rows, of], i) => ({
    name: `n = ${grouped(rows)}`,
    style: lineStyle(i),
    marks: true,
    points: meanEnds(of, "energy_interval").map(({m, low, high}) => ({x: m, y: (low + high) / 2, low, high})),
  }));
  const names = lines.map(({name}) => name);
  const draw = (on) =>
    chart.show(
      lines.map((line) => ({...line, hidden: !on.has(line.name)})),
      {xFormat: grouped, yFormat: percent, yTick: (v) => percent(v, 0), yRange: {min: 0, max: 1}},
    );
  draw(new Set(names));
  return el("section", {class: "card"}, el("h3", null, "Energy"), chart.element, lineSwitches("Lengths", lines, names, draw));
}

function certifiedTable(heads) {
  const number = (head) => ({head, number: true});
  const ends = (of, key, format) => {
    const last = meanEnds(of, key).at(-1);
    return last ? range([last.low, last.high], format) : kNone;
  };
  const exactly = (v) => percent(v, 2);
  return table(
    "By length and layer, means over heads and sequences of the ends of the intervals at the last m",
    [
      number("n"),
      number("layer"),
      number("spectra"),
      number("m"),
      number("Σσ² kept"),
      number("surely"),
      number("Σσ kept"),
      number("σ_m"),
    ],
    [...grouping(heads, ({rows, layer}) => `${rows} ${layer}`).values()].map((of) => [
      grouped(of[0].rows),
      String(of[0].layer),
      grouped(of.length),
      grouped(of[0].at.at(-1).m),
      ends(of, "energy_interval", exactly),
      ends(of, "energy_sure_interval", exactly),
      ends(of, "cumulative_interval", exactly),
      ends(of, "sigma_interval", significant),
    ]),
  );
}

function certifiedTrust({results, checks}) {
  const within = results.certified.filter(({within_tolerance}) => within_tolerance).length;
  return reasons([
    [checks.passed, "What can be checked of each head was: σ₁ against its bound and Σσ² against ‖P‖²."],
    [
      within === results.certified.length,
      `${grouped(within)} of ${counted(results.certified.length, "head")} reached the tolerance that was asked for.`,
    ],
    [
      null,
      `The sure intervals hold for certain; the others at ${percent(results.confidence, 0)} for a head. P was never made.`,
    ],
  ]);
}

/// What fills the section in the place of heat map and curves.
const certifiedParts = ({certified}) => [
  el(
    "div",
    {class: "explorer"},
    certifiedChart(certified),
    el("section", {class: "card"}, el("h3", null, "Lengths and layers"), certifiedTable(certified)),
  ),
];
