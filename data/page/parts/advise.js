// SPDX-License-Identifier: MIT
// The part of an advise report: whether low rank pays on a model, by layer and as a whole.

// Speed-up against what is lost, a mark a way to run the model.
function adviceChart({points, goal, goal_increase}) {
  const known = points.filter(({speed_up, increase}) => speed_up !== null && increase !== null);
  const styles = known.map((_, i) => lineStyle(i));
  const chart = new LineChart(
    "How much faster, against what is lost, of each way to run the model; the table has the numbers",
    {
      xTitle: "times as fast as flash",
      yTitle: goal === "loss" ? "increase of the loss" : "error of the last hidden states",
    },
  );
  const best = {
    name: "none is better in both",
    style: {colour: "--ink-soft", dash: [2, 3], mark: "line"},
    points: known
      .filter(({pareto}) => pareto)
      .map(({speed_up, increase}) => ({x: speed_up, y: increase}))
      .sort((a, b) => a.x - b.x),
  };
  const draw = (on) =>
    chart.show(
      [
        ...known.map(({name, speed_up, increase, increase_interval}, i) => ({
          name,
          style: styles[i],
          marks: true,
          hidden: !on.has(name),
          points: [{x: speed_up, y: increase, ...ends(increase_interval)}],
        })),
        best,
      ],
      {xFormat: significant, yFormat: percent},
    );
  const names = known.map(({name}) => name);
  draw(new Set(names));
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Fast or near"),
    el("p", {class: "hint"}, `Wanted: ${percent(goal_increase)} at most, as far to the right as can be.`),
    chart.element,
    lineSwitches(
      "Ways",
      known.map(({name}, i) => ({name, style: styles[i]})),
      names,
      draw,
    ),
  );
}

function adviceTable({points}) {
  const small = (interval, format) => (interval ? el("small", null, range(interval, format)) : "");
  const number = (head) => ({head, number: true});
  return table(
    "Ways to run the whole model, against exact attention (flash)",
    [
      {head: "way"},
      number("times as fast"),
      number("lost"),
      number("time of a sequence"),
      number("memory"),
      {head: ""},
    ],
    points.map((point) => [
      point.name,
      [point.speed_up === null ? kNone : times(point.speed_up), small(point.speed_up_interval, significant)],
      [
        percent(point.increase),
        point.increase_estimated ? el("small", null, "put together") : small(point.increase_interval, percent),
      ],
      [duration(point.time_ns), point.time_estimated ? el("small", null, "put together") : ""],
      size(point.bytes || null),
      [
        point.good_enough ? el("span", {class: "badge lower-rank"}, "near enough") : "",
        point.pareto ? " " : "",
        point.pareto ? el("span", {class: "badge"}, "none is better in both") : "",
      ],
    ]),
  );
}

const layerAdvice = ({layers}) =>
  table(
    "The smallest k of each layer that keeps its part of what may be lost",
    [
      {head: "layer", number: true},
      {head: "k", number: true},
      {head: "by"},
      {head: "lost, this layer alone", number: true},
      {head: "least of all tried", number: true},
      {head: "c at n/4", number: true},
    ],
    layers.map(({layer, k, cell, increase, least_increase, cumulative}) => [
      String(layer),
      k === null ? "exact" : grouped(k),
      cell ?? "nothing is near enough",
      percent(increase, 2),
      percent(least_increase, 2),
      percent(cumulative),
    ]),
  );

parts.set("linformer/advise/1", {
  question: "Does low rank pay on this model?",
  title: () => "Does low rank pay?",
  machineMatters: true,
  about: ({input, machine, results}) =>
    `${modelOf(input)} · n = ${grouped(results.length)} · ${machine.cpu ?? "processor unknown"}`,
  draw(section, report) {
    const {results, machine} = report;
    const {crossover_mechanism: mechanism, crossover_length: length, crossover_length_reason: reason} = results;
    const crossover = mechanism
      ? length === null
        ? `Attention alone by ${mechanism}: ${reason}.`
        : `Attention alone by ${mechanism} is faster than flash from about n = ${grouped(Math.round(length))} on.`
      : null;
    section.append(
      verdicts(
        [
          el(
            "p",
            null,
            "A Linformer is about as good as the Transformer and takes time and memory that are linear in n; smaller k may do in higher layers.",
          ),
          el("p", {class: "source"}, "Linformer, abstract and section 4"),
        ],
        [el("p", {class: "lead"}, results.verdict), crossover ? el("p", null, crossover) : null],
        reasons([
          [
            null,
            "Nothing was trained. A Linformer that is trained, or distilled from the model, can be nearer at the same k.",
          ],
          [
            results.sequences >= kFewSequences,
            `What is lost was measured on ${counted(results.sequences, "sequence")} that nothing was learnt from.`,
          ],
          [
            null,
            `Times are of ${machine.cpu ?? "this processor"} with ${counted(machine.threads, "thread")} at n = ${grouped(results.length)}; other lengths and machines differ.`,
          ],
        ]),
      ),
      el(
        "div",
        {class: "explorer"},
        adviceChart(results),
        el("section", {class: "card"}, el("h3", null, "By layer"), layerAdvice(results)),
      ),
      el("section", {class: "card"}, el("h3", null, "Ways to run it"), adviceTable(results)),
    );
  },
});
