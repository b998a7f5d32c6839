// SPDX-License-Identifier: MIT
// The attention of the head that is picked on one sequence, as an image of the means of blocks that the report has.

// From none to the peak: cividis, which the colour-blind can read and print in grey keeps.
const kMapColours = [
  [0, 32, 76],
  [65, 77, 107],
  [124, 123, 120],
  [188, 175, 111],
  [255, 234, 70],
];

/// The colour of a share of the scale.
function mapColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (kMapColours.length - 1);
  const i = Math.min(Math.floor(place), kMapColours.length - 2);
  return kMapColours[i].map((from, c) => Math.round(from + (place - i) * (kMapColours[i + 1][c] - from)));
}

const levelsOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

class AttentionMapPanel {
  constructor({maps, heads}) {
    this.maps = maps;
    this.heads = heads;
    this.title = el("h4", null);
    this.canvas = el("canvas", {role: "img", class: "attention-map"});
    this.least = el("span", null);
    this.most = el("span", null);
    const scale = kMapColours.map((colour) => `rgb(${colour.join(" ")})`).join(", ");
    this.caption = el("figcaption", null);
    this.figure = el(
      "figure",
      null,
      this.canvas,
      el(
        "div",
        {class: "scale", "aria-hidden": "true"},
        this.least,
        el("i", {style: `background: linear-gradient(to right, ${scale})`}),
        this.most,
      ),
      this.caption,
    );
    this.hint = el("p", {class: "notice"}, "Pick a single head to see its attention.");
    this.element = el(
      "section",
      {class: "card", "aria-label": "Attention of the head that is picked"},
      this.title,
      this.hint,
      this.figure,
    );
  }

  show(i, j, name) {
    const single = j < this.heads.length;
    this.hint.hidden = single;
    this.figure.hidden = !single;
    this.title.textContent = `Attention on one sequence: ${name}`;
    if (single) this.draw(this.maps.layers[i], this.maps.layers[i].heads[j], name);
  }

  draw({rows, columns, block_rows: down, block_columns: across}, {peak, levels}, name) {
    const {sequence, document: of, top_level: top, levels_per_octave: perOctave} = this.maps;
    const bytes = levelsOf(levels);
    this.canvas.width = across;
    this.canvas.height = down;
    const image = new ImageData(across, down);
    bytes.forEach((level, place) => image.data.set([...mapColour(level / top), 255], 4 * place));
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    const strongest = bytes.indexOf(top);
    const block = (place, blocks, size) => {
      const first = Math.floor((place * size) / blocks);
      const last = Math.floor(((place + 1) * size) / blocks) - 1;
      return first === last ? `${first}` : `${first} to ${last}`;
    };
    const where =
      `strongest where queries ${block(Math.floor(strongest / across), down, rows)} look at keys ` +
      `${block(strongest % across, across, columns)}`;
    const least = peak * 2 ** (-top / perOctave);
    this.least.textContent = `${significant(least)} or less`;
    this.most.textContent = significant(peak);
    const blocks =
      rows === down && columns === across
        ? "every weight"
        : `means over blocks of ${significant(rows / down)} × ${significant(columns / across)} weights`;
    this.canvas.setAttribute(
      "aria-label",
      `Attention of ${name} on sequence ${sequence}: ${grouped(rows)} queries by ${grouped(columns)} keys, ${where}, ` +
        `with a mean weight of ${significant(peak)}`,
    );
    this.caption.textContent =
      `Sequence ${sequence} (document ${of}): ${grouped(rows)} queries from top to bottom, ${grouped(columns)} keys from ` +
      `left to right, ${blocks}, on a logarithmic scale; ${where}.`;
  }
}
