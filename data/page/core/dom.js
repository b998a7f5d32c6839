// SPDX-License-Identifier: MIT
// Elements of the page.

/// An element. Attributes that are null or false are left out; those whose names begin with "on" are listeners; children
/// are nodes or text, nested in lists as you like.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

let lastId = 0;
/// A new id for an element that another one names.
const newId = () => `e${++lastId}`;

/// A table: `columns` of {head, number, title}, rows of cells (text, nodes), of which the first is the row's head.
function table(caption, columns, rows) {
  const kind = (column) => (column.number ? "number" : null);
  return el(
    "div",
    {class: rows.length > 30 ? "scroll long" : "scroll", tabindex: "0", role: "region", "aria-label": caption},
    el(
      "table",
      {class: "data"},
      el("caption", null, el("span", null, caption)),
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          columns.map((column) => el("th", {scope: "col", class: kind(column), title: column.title}, column.head)),
        ),
      ),
      el(
        "tbody",
        null,
        rows.map((row) =>
          el(
            "tr",
            null,
            row.map((cell, i) =>
              i === 0
                ? el("th", {scope: "row", class: kind(columns[0])}, cell)
                : el("td", {class: kind(columns[i])}, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/// Something that opens, or is `open` at first.
const details = (summary, open, ...children) =>
  el("details", {open}, el("summary", null, summary), el("div", {class: "inside"}, children));

/// Names and values, of [name, value]; those without a value are left out.
const facts = (pairs) =>
  el(
    "dl",
    {class: "facts"},
    pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))),
  );

/// A labelled choice. Options are {value, text, group}; `changed` is called with the value that was chosen.
function choice(label, options, value, changed) {
  const id = newId();
  const option = (o) => el("option", {value: o.value, selected: o.value === value}, o.text);
  const groups = [...new Set(options.map((o) => o.group))];
  return el(
    "div",
    {class: "field"},
    el("label", {for: id}, label),
    el(
      "select",
      {id, onchange: (event) => changed(event.target.value)},
      groups.map((group) => {
        const members = options.filter((o) => o.group === group).map(option);
        return group ? el("optgroup", {label: group}, members) : members;
      }),
    ),
  );
}

/// Buttons of which one is pressed. Options are {value, text}.
function switchOf(label, options, value, changed) {
  const name = newId();
  return el(
    "fieldset",
    {class: "switch"},
    el("legend", null, label),
    el(
      "div",
      {class: "choices"},
      options.map((o) =>
        el(
          "label",
          null,
          el("input", {
            type: "radio",
            name,
            value: o.value,
            checked: o.value === value,
            onchange: () => changed(o.value),
          }),
          el("span", null, o.text),
        ),
      ),
    ),
  );
}
