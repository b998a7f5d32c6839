// SPDX-License-Identifier: MIT
// Draws every report that the page carries, and keeps light and dark.
const themes = ["system", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = `Colours: ${theme}`;
  redrawCharts();
}

function start() {
  const reports = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("reports");
  const links = reports.map(({name, report}, i) => {
    const part = parts.get(report.schema) ?? otherPart;
    const title = part.title(report);
    const id = `report-${i + 1}`;
    const section = el(
      "section",
      {class: "report", id, "aria-labelledby": `${id}-title`},
      el(
        "header",
        {class: "report-head"},
        el("h2", {id: `${id}-title`}, title),
        el("p", {class: "about"}, part.about(report), " · ", el("code", null, name)),
      ),
    );
    main.append(section);
    part.draw(section, report);
    section.append(provenance(report, part.machineMatters));
    return el("a", {href: `#${id}`}, title, el("span", null, name));
  });
  const only = reports.length === 1 ? (parts.get(reports[0].report.schema) ?? otherPart) : null;
  const question = only ? only.question : "Low rank, and what it buys";
  document.getElementById("title").textContent = question;
  document.title = `${question} · linformer`;
  if (reports.length > 1) {
    const contents = document.getElementById("contents");
    contents.replaceChildren(...links);
    contents.hidden = false;
  }
  document
    .getElementById("theme")
    .addEventListener("click", () =>
      setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]),
    );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  setTheme("system");
  document.documentElement.dataset.ready = "true";
}

start();
