// SPDX-License-Identifier: MIT
// The kinds of reports that have a part of their own: by the report's schema, {question, title, about, draw,
// machineMatters}. `question` heads a page of one report, `about(report)` is the text beside the title, `draw(section,
// report)` fills the section, and `machineMatters` shows the machine at once. A kind is one file in parts/.
const parts = new Map();

/// What every part begins with: what was claimed, what was found, how far that can be trusted.
const verdicts = (claimed, measured, trust) =>
  el(
    "div",
    {class: "verdicts"},
    [
      ["Claimed", claimed],
      ["Measured here", measured],
      ["How far to trust it", trust],
    ].map(([head, content]) => el("section", {class: "card"}, el("h3", null, head), content)),
  );

/// A list of reasons to trust or to doubt: [good, content]; good is null where it is neither.
const reasons = (list) =>
  el(
    "ul",
    {class: "reasons"},
    list.map(([good, content]) =>
      el(
        "li",
        {class: good === null ? "note" : good ? "good" : "bad"},
        el("span", {class: "unseen"}, good === null ? "Note: " : good ? "Passed: " : "Mind: "),
        content,
      ),
    ),
  );

/// Fewer leave intervals rough.
const kFewSequences = 5;

/// A few numbers that matter, of {name, value, more}.
const headline = (items) =>
  el(
    "dl",
    {class: "headline"},
    items.map((item) =>
      el(
        "div",
        null,
        el("dt", null, item.name),
        el("dd", null, el("strong", null, item.value), el("span", null, item.more ?? "")),
      ),
    ),
  );

const list = (items) => (items ?? []).join(", ");

/// The model of a report's `input`, in words.
function modelOf({architecture: a, checkpoint, weights, qk, probabilities}) {
  if (!a) return checkpoint ?? qk ?? probabilities ?? "tensors";
  return `${a.family}, ${counted(a.layers, "layer")} × ${counted(a.heads, "head")}, d = ${a.head_size}: ${checkpoint ?? weights}`;
}

/// Where, when, by what and how: what every report has.
function provenance(report, open) {
  const {machine = {}, tool = {}, memory = {}} = report;
  const cache = (c) => `L${c.level} ${c.type === "Unified" ? "" : `${c.type.toLowerCase()} `}${size(c.size_bytes)}`;
  return details(
    "Machine, program and command",
    open,
    el(
      "div",
      {class: "columns"},
      el(
        "section",
        null,
        el("h4", null, "Machine"),
        facts([
          ["Processor", machine.cpu],
          ["Architecture", machine.architecture],
          [
            "Cores used",
            machine.threads && `${counted(machine.threads, "thread")} on ${counted(machine.physical_cores, "core")}`,
          ],
          ["Instructions", machine.isa],
          ["Caches", list((machine.caches ?? []).map(cache))],
          ["Memory", size(machine.memory_bytes)],
          ["System", machine.os],
          ["Kernel", machine.kernel],
          ["Virtual", machine.hypervisor === true ? "yes" : machine.hypervisor === false ? "no" : null],
          ["Load when it began", (machine.load_average ?? []).map((load) => fixed(load, 2)).join("  ")],
        ]),
      ),
      el(
        "section",
        null,
        el("h4", null, "Program"),
        facts([
          ["Version", `${tool.version} (${tool.commit})`],
          ["Compiler", tool.compiler],
          ["Build", tool.build_type],
          ["oneDNN", tool.libraries?.onednn && `${tool.libraries.onednn}, ${tool.libraries.onednn_isa}`],
          ["LAPACK", tool.libraries?.lapack],
          ["Started", report.started && `${report.started.replace("T", " ").replace("Z", "")} UTC`],
          ["Took", report.seconds !== undefined ? duration(report.seconds * 1e9) : null],
          ["Largest memory of buffers", size(memory.peak_buffers_bytes)],
          ["Identity", report.identity && el("code", null, report.identity.slice(0, 16))],
        ]),
      ),
    ),
    el("h4", null, "Command"),
    el("pre", null, (report.command ?? []).map(quoted).join(" ")),
  );
}

const quoted = (argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`);
