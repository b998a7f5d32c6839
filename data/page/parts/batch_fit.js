// SPDX-License-Identifier: MIT
// The part of a report of the batches that fit (bench --fit-batch).

// What one more sequence takes against n, a line a mechanism; of the sizes that the first cell has.
function fitChart({cells}) {
  const sizes = ["heads", "head_size", "layers", "threads", "dtype", "causal"];
  const same = cells.filter((cell) => sizes.every((key) => cell[key] === cells[0][key]));
  const names = [...new Set(same.map(({mechanism}) => mechanism))];
  const lengths = [...new Set(same.map(({length}) => length))].sort((a, b) => a - b);
  if (lengths.length < 2) return null;
  const chart = new LineChart("Memory of one more sequence against n; the table has the numbers", {
    xTitle: "sequence length n",
    yTitle: "memory of one more sequence",
    xLog: true,
  });
  const lines = names.map((name, i) => ({
    name,
    style: lineStyle(i),
    marks: true,
    points: same
      .filter(({mechanism, bytes_per_sequence}) => mechanism === name && bytes_per_sequence !== null)
      .map(({length, bytes_per_sequence}) => ({x: length, y: bytes_per_sequence})),
  }));
  const draw = (on) =>
    chart.show(
      lines.map((line) => ({...line, hidden: !on.has(line.name)})),
      {
        yLog: true,
        xFormat: grouped,
        yFormat: size,
        xTicks: lengths,
        xRange: {min: lengths[0] * 0.9, max: lengths.at(-1) * 1.1},
      },
    );
  draw(new Set(names));
  return el(
    "section",
    {class: "card"},
    el("h3", null, "Against length"),
    chart.element,
    lineSwitches("Mechanisms", lines, names, draw),
  );
}

function fitTable({cells}) {
  const references = [...new Set(cells.flatMap(({ratios}) => ratios.map(({reference}) => reference)))];
  const number = (head) => ({head, number: true});
  const ratioTo = (cell, reference) => cell.ratios.find((ratio) => ratio.reference === reference);
  return table(
    "How many sequences fit",
    [
      {head: "mechanism"},
      number("n"),
      number("heads × d"),
      {head: "type"},
      number("one more sequence"),
      number("largest batch"),
      ...references.map((reference) => number(`memory saved against ${reference}`)),
    ],
    cells.map((cell) => [
      cell.mechanism,
      grouped(cell.length),
      `${cell.heads} × ${cell.head_size}`,
      cell.dtype,
      cell.bytes_per_sequence === null ? el("small", {class: "words"}, cell.reason) : size(cell.bytes_per_sequence),
      cell.largest_batch === null
        ? el("small", {class: "words"}, cell.reason === null ? cell.largest_batch_reason : kNone)
        : grouped(cell.largest_batch),
      ...references.map((reference) => {
        const ratio = ratioTo(cell, reference);
        return ratio ? times(ratio.bytes_per_sequence) : kNone;
      }),
    ]),
  );
}

parts.set("linformer/batch-fit/1", {
  question: "How much memory does linear attention save?",
  title: () => "Batches that fit",
  about: ({results}) => `${results.subject} · ${size(results.limit_bytes)}`,
  draw(section, {results, checks}) {
    const chart = fitChart(results);
    section.append(
      verdicts(
        [
          el("p", null, "A Linformer takes batches up to 60 times as large as the Transformer, the more the longer n."),
          el("p", {class: "source"}, "Linformer, Table 3; 16 GB"),
        ],
        el("p", null, `How many sequences ${size(results.limit_bytes)} hold, and what one more takes.`),
        reasons([
          [
            checks.passed,
            checks.largest_difference === null
              ? "No call was made to bear the sizes out."
              : `Real calls of ${counted(checks.measured_cells, "cell")} took what was predicted within ` +
                `${percent(checks.largest_difference)} (allowed: ${percent(checks.tolerance)}).`,
          ],
          [
            null,
            "Batches are counted to the byte, not run. Logits and P are never alive together here, as they may have been " +
              "in the paper's implementation, so savings against standard attention are smaller.",
          ],
        ]),
      ),
      ...(chart ? [chart] : []),
      el("section", {class: "card"}, el("h3", null, "All cells"), fitTable(results)),
    );
  },
});
