// SPDX-License-Identifier: MIT
// What the page asks of a bench report.

const kMetrics = {
  time: {
    text: "Time",
    axis: "time of one call",
    of: (cell) => cell.median_ns,
    interval: (cell) => cell.interval_ns,
    format: duration,
    tick: (v) => duration(v, 1),
  },
  memory: {
    text: "Memory",
    axis: "memory of one call",
    of: bytesOf,
    interval: () => null,
    format: size,
    tick: (v) => size(v, 1),
  },
  rate: {
    text: "Rate",
    axis: "rate, GFLOP/s",
    of: (cell) => cell.gflops,
    interval: () => null,
    format: (v) => significant(v),
    tick: (v) => significant(v, 1),
  },
};

// Tensors, workspace and parameters; known too where the cell was not timed, unless it cannot be run at all.
function bytesOf(cell) {
  const sum = cell.tensor_bytes + cell.workspace_bytes + cell.parameter_bytes;
  return cell.state === "unsupported" || sum === 0 ? null : sum;
}

// Names without the options that all of their kind share: "linformer:k=128" of "linformer:k=128,sharing=layerwise".
function shortNames(mechanisms) {
  const kind = (name) => name.split(":")[0];
  const options = (name) => (name.split(":")[1] ?? "").split(",").filter(Boolean);
  return new Map(
    mechanisms.map((name) => {
      const others = mechanisms.filter((other) => other !== name && kind(other) === kind(name));
      const own = options(name).filter((o) => !others.length || !others.every((other) => options(other).includes(o)));
      return [name, own.length ? `${kind(name)}:${own.join(",")}` : kind(name)];
    }),
  );
}

/// Cells of a shape differ in mechanism and length only.
class BenchReport {
  constructor(report) {
    this.report = report;
    this.results = report.results;
    this.cells = this.results.cells;
    this.mechanisms = [...new Set(this.cells.map((cell) => cell.mechanism))];
    const tokens = new Set(this.cells.map((cell) => cell.batch * cell.length));
    this.tokens = tokens.size === 1 && new Set(this.cells.map((cell) => cell.length)).size > 1 ? [...tokens][0] : null;
    this.shapes = [...new Set(this.cells.map((cell) => this.shapeOf(cell)))];
    this.references = [...new Set(this.cells.flatMap((cell) => cell.ratios.map((ratio) => ratio.reference)))];
    this.names = shortNames(this.mechanisms);
    this.styles = new Map(this.mechanisms.map((name, i) => [name, lineStyle(i)]));
    this.lengths = [...new Set(this.cells.map((cell) => cell.length))].sort((a, b) => a - b);
  }

  shapeOf({batch, heads, head_size, layers, threads, causal, queries, dtype}) {
    return [
      this.tokens ? `${grouped(this.tokens)} tokens a call` : counted(batch, "sequence"),
      layers > 0 ? counted(layers, "layer") : null,
      `${counted(heads, "head")} of ${head_size}`,
      counted(threads, "thread"),
      queries ? `${grouped(queries)} of n queries` : null,
      dtype === "f32" ? null : dtype,
      causal ? "causal" : null,
    ]
      .filter(Boolean)
      .join(", ");
  }

  cell(shape, mechanism, length) {
    return (
      this.cells.find((c) => c.mechanism === mechanism && c.length === length && this.shapeOf(c) === shape) ?? null
    );
  }

  measured() {
    return this.cells.filter((cell) => cell.state === "measured");
  }

  /// The cell with the largest ratio to a reference at the longest length where there are any, or null.
  best(reference) {
    const ratio = (cell) => cell.ratios.find((one) => one.reference === reference)?.ratio;
    const all = this.measured().filter((cell) => cell.mechanism !== reference && ratio(cell) !== undefined);
    const longest = Math.max(...all.map((cell) => cell.length));
    const [first, ...others] = all.filter((cell) => cell.length === longest);
    return first ? others.reduce((best, cell) => (ratio(cell) > ratio(best) ? cell : best), first) : null;
  }
}
