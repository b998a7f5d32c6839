// SPDX-License-Identifier: MIT
/// A table of layers and heads whose cells are coloured by value and can be picked, by pointer or arrow keys. The last
/// column is the layer's own.
class HeatMap {
  /// `picked` is called with positions (layer, head); head equals heads.length for the layer itself.
  constructor(caption, layers, heads, picked) {
    this.rows = layers.length;
    this.columns = heads.length + 1;
    this.picked = picked;
    this.at = [0, 0];
    this.layers = layers;
    this.heads = heads;
    this.caption = el("caption", null, caption);
    this.cells = layers.map((_, i) =>
      Array.from({length: this.columns}, (_, j) =>
        el("td", {
          role: "gridcell",
          tabindex: "-1",
          "aria-selected": "false",
          class: j === heads.length ? "mean" : null,
          onclick: () => this.pick(i, j, true),
        }),
      ),
    );
    const head = (text, attributes) => el("th", {scope: "col", ...attributes}, text);
    this.table = el(
      "table",
      {role: "grid", class: "heat", style: `--columns: ${this.columns}`, onkeydown: (event) => this.key(event)},
      this.caption,
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          head("layer", {class: "corner"}),
          heads.map((h) => head(h)),
          head("mean", {class: "mean"}),
        ),
      ),
      el(
        "tbody",
        null,
        layers.map((layer, i) => el("tr", null, el("th", {scope: "row"}, layer), this.cells[i])),
      ),
    );
    this.legend = el("div", {class: "scale", "aria-hidden": "true"});
    this.element = el("div", {class: "heat-map"}, el("div", {class: "scroll"}, this.table), this.legend);
  }

  /// Values by (layer, head) position, null where there is none; `text` makes the cell's text, `format` the words for
  /// screen readers and the scale. With `diverging` colours part at zero.
  show(caption, value, {text, format, diverging}) {
    this.caption.textContent = caption;
    const all = this.cells.flatMap((row, i) => row.map((_, j) => value(i, j))).filter((v) => v !== null);
    let low = Math.min(...all),
      high = Math.max(...all);
    if (diverging) low = -(high = Math.max(Math.abs(low), Math.abs(high)));
    this.table.classList.toggle("diverging", diverging);
    this.cells.forEach((row, i) =>
      row.forEach((cell, j) => {
        const v = value(i, j);
        const share = v === null || high === low ? 0.5 : (v - low) / (high - low);
        const depth = diverging ? Math.abs(2 * share - 1) : share;
        cell.textContent = v === null ? kNone : text(v);
        cell.title = `${this.name(i, j)}: ${format(v)}`;
        cell.setAttribute("aria-label", cell.title);
        cell.style.setProperty("--depth", `${(100 * depth).toFixed(1)}%`);
        cell.classList.toggle("below", diverging && share < 0.5);
      }),
    );
    this.legend.className = `scale${diverging ? " diverging" : ""}`;
    this.legend.replaceChildren(el("span", null, format(low)), el("i"), el("span", null, format(high)));
  }

  name(i, j) {
    return `layer ${this.layers[i]}, ${j === this.heads.length ? "mean of its heads" : `head ${this.heads[j]}`}`;
  }

  pick(i, j, focus = false) {
    const [oldI, oldJ] = this.at;
    this.cells[oldI][oldJ].setAttribute("aria-selected", "false");
    this.cells[oldI][oldJ].tabIndex = -1;
    this.at = [i, j];
    const cell = this.cells[i][j];
    cell.setAttribute("aria-selected", "true");
    cell.tabIndex = 0;
    if (focus) cell.focus();
    this.picked(i, j);
  }

  key(event) {
    const [i, j] = this.at;
    const last = {row: this.rows - 1, column: this.columns - 1};
    const to = {
      ArrowUp: [i - 1, j],
      ArrowDown: [i + 1, j],
      ArrowLeft: [i, j - 1],
      ArrowRight: [i, j + 1],
      Home: [event.ctrlKey ? 0 : i, 0],
      End: [event.ctrlKey ? last.row : i, last.column],
      PageUp: [0, j],
      PageDown: [last.row, j],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.pick(Math.min(Math.max(to[0], 0), last.row), Math.min(Math.max(to[1], 0), last.column), true);
  }
}
