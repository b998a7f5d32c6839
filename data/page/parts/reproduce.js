// SPDX-License-Identifier: MIT
// The part of a report of `reproduce`: the paper's numbers beside those found here.

// A number by `format`, or in words why there is none.
const numberOr = (value, format, reason) =>
  value === null ? el("small", {class: "words"}, reason ?? kNone) : format(value);

function reproducedRow(row, operations) {
  const {what, published, published_reason, here, here_reason, interval, ratio, by_operations, why} = row;
  return [
    what,
    numberOr(published, String, published_reason),
    [numberOr(here, significant, here_reason), interval ? el("small", null, range(interval, significant)) : ""],
    significant(ratio),
    ...(operations ? [significant(by_operations)] : []),
    why,
  ];
}

parts.set("linformer/reproduce/1", {
  question: "Do the paper's results hold here?",
  title: ({title}) => title,
  about: ({target, machine}) => `${target} · ${machine.cpu ?? "processor unknown"}`,
  draw(section, {claim, findings, trust, rows}) {
    const sentences = (list) => list.map((sentence) => el("p", null, sentence));
    const operations = rows.some(({by_operations}) => by_operations !== undefined);
    const columns = ["published", "here", "here / published", ...(operations ? ["by operations alone"] : [])].map((head) => ({head, number: true}));
    section.append(
      verdicts(sentences([claim]), sentences(findings), reasons(trust.map((sentence) => [null, sentence]))),
      el(
        "section",
        {class: "card"},
        el("h3", null, "Beside the paper"),
        table(
          "Numbers of the paper and of this machine, with the interval of the latter",
          [{head: "what"}, ...columns, {head: "why they differ"}],
          rows.map((row) => reproducedRow(row, operations)),
        ),
      ),
    );
  },
});
