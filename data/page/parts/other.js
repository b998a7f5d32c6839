// SPDX-License-Identifier: MIT
// A report of a kind that has no part of its own: its members as tables.
const isTable = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((row) => row && typeof row === "object" && !Array.isArray(row));
const isPlain = (value) => value === null || typeof value !== "object";
const title = (key) => key.replaceAll("_", " ");

function plain(value) {
  if (value === null) return kNone;
  if (typeof value === "number") return Number.isInteger(value) ? grouped(value) : significant(value, 4);
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object")
    return Object.entries(value)
      .map(([key, v]) => `${title(key)}: ${plain(v)}`)
      .join("; ");
  return String(value);
}

const kMostRows = 200;

function anyTable(name, rows) {
  const keys = [...new Set(rows.flatMap(Object.keys))].filter((key) => !key.endsWith("_reason"));
  const number = (key) =>
    rows.every((row) => row[key] === null || row[key] === undefined || typeof row[key] === "number");
  const cut = rows.length > kMostRows ? `, the first ${kMostRows} of ${rows.length} rows` : "";
  return table(
    title(name) + cut,
    keys.map((key) => ({head: title(key), number: number(key)})),
    rows.slice(0, kMostRows).map((row) => keys.map((key) => plain(row[key] ?? null))),
  );
}

// Plain members together, then tables, then objects, each with its members.
function anyObject(object, level) {
  const entries = Object.entries(object).filter(([key]) => !key.endsWith("_reason"));
  const simple = entries.filter(([, value]) => isPlain(value) || (Array.isArray(value) && !isTable(value)));
  const inner = entries.filter(([, value]) => !isPlain(value) && !Array.isArray(value));
  return [
    simple.length ? facts(simple.map(([key, value]) => [title(key), plain(value)])) : null,
    entries.filter(([, value]) => isTable(value)).map(([key, value]) => anyTable(key, value)),
    inner.map(([key, value]) =>
      level === 0
        ? el("section", {class: "card"}, el("h3", null, title(key)), anyObject(value, 1))
        : [el("h4", null, title(key)), anyObject(value, level + 1)],
    ),
  ];
}

const otherPart = {
  question: "Report",
  title: (report) =>
    `${title(String(report.schema).split("/")[1] ?? "Unknown").replace(/^./, (c) => c.toUpperCase())} report`,
  about: (report) => String(report.schema),
  draw(section, report) {
    const {schema, tool, machine, command, started, seconds, memory, identity, summary, ...rest} = report;
    section.append(
      ...[summary && el("p", {class: "lead"}, summary), anyObject(rest, 0)].flat(Infinity).filter(Boolean),
    );
  },
};
