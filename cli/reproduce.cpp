// SPDX-License-Identifier: MIT
// linformer reproduce: what the paper ran, within the time given, and what it published beside it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/parse.h"
#include "commands.h"
#include "gnuplot.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "report/against_paper.h"
#include "report/figures.h"
#include "report/page.h"
#include "report_places.h"
#include "reproduce_targets.h"
#include "show_result.h"

namespace linformer::cli {
namespace {

using Reproduce = Reproduction (*)(const ReproduceOptions&, double, const std::string&, Session&);

Reproduction only_published(const ReproduceOptions& /*options*/, double /*seconds*/,
                            const std::string& /*folder*/, Session& /*session*/) {
  return table2_reproduction();
}

struct Target {
  std::string_view name;
  Reproduce run;
  double share;  ///< of the budget of all
};

constexpr std::array kTargets = {
    Target{"figure1", reproduce_figure1, 0.25}, Target{"figure2", reproduce_figure2, 0.25},
    Target{"table1", reproduce_table1, 0.15},   Target{"table2", only_published, 0},
    Target{"table3", reproduce_table3, 0.3},    Target{"theorems", reproduce_theorems, 0.05}};
constexpr const char* kAll = "all";

constexpr const char* kPage = "page.html";

// What a target left.
struct Made {
  bool well = true;               ///< everything could be drawn
  std::vector<ReportFile> files;  ///< the report of the reproduction, then those that it is from
};

std::vector<ReportFile> reports_in(const Reproduction& reproduction, const std::string& folder) {
  std::vector<ReportFile> files;
  for (const std::string& report : reproduction.reports) files.push_back(open_report(folder + "/" + report));
  return files;
}

std::string readme(const Reproduction& reproduction, const std::vector<std::string>& command,
                   const FigureSet& set, const std::string& page) {
  std::string text = reproduction_text(reproduction, true);
  text += fmt::format("\nMade by `{}`.\n", fmt::join(command, " "));
  text += fmt::format("All of it to be looked at in a browser: `{}`, which is made with it and not kept.\n",
                      page);
  for (const Figure& figure : set.figures) text += fmt::format("\n![{0}]({0}.svg)\n", figure.name);
  for (const auto& [name, tables] : set.texts) text += "\n" + tables;
  return text;
}

// `page`: where its page will be, from its folder.
Made run_target(const Target& target, const ReproduceOptions& o, double seconds, const std::string& page,
                const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  const std::string folder = fmt::format("{}/{}", o.folder, target.name);
  make_folder(folder);
  session.note(fmt::format("{}: about {:.0f} s", target.name, seconds));
  const Reproduction reproduction = target.run(o, seconds, folder, session);
  const auto report = reproduce_report(session.context(false), reproduction);
  const std::string path = folder + "/reproduce.json";
  write_file_atomically(path, dump_json(report));
  Made made{.files = reports_in(reproduction, folder)};
  const FigureSet set = figures_of(made.files);
  made.files.insert(made.files.begin(), open_report(path));
  write_file_atomically(folder + "/README.md", readme(reproduction, invocation.arguments, set, page));
  show_reproduction(reproduction, report, session);
  session.note(fmt::format("{}: {}/README.md", target.name, folder));
  made.well = set.figures.empty() || write_figures(set.figures, folder, session);
  return made;
}

int run_one(const Target& target, const ReproduceOptions& o, double budget, const Invocation& invocation) {
  const Made made = run_target(target, o, budget, kPage, invocation);
  write_file_atomically(fmt::format("{}/{}/{}", o.folder, target.name, kPage), report_page(made.files));
  return made.well ? 0 : 1;
}

// One page of all, on which each report is named by its target too.
int run_all(const ReproduceOptions& o, double budget, const Invocation& invocation) {
  bool well = true;
  std::vector<ReportFile> files;
  for (const Target& target : kTargets) {
    if (stop_signal() != 0) break;
    Made made = run_target(target, o, budget * target.share, std::string("../") + kPage, invocation);
    well = well && made.well;
    for (ReportFile& file : made.files) {
      file.title = std::string(target.name) + "/" + file.name();
      files.push_back(std::move(file));
    }
  }
  write_file_atomically(fmt::format("{}/{}", o.folder, kPage), report_page(files));
  return well ? 0 : 1;
}

int run(const ReproduceOptions& o, const Invocation& invocation) {
  const double budget = parse_seconds(o.budget, "--budget");
  stop_on_signals();
  if (o.target == kAll) return run_all(o, budget, invocation);
  return run_one(*std::ranges::find(kTargets, o.target, &Target::name), o, budget, invocation);
}

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const Target& target : kTargets) names.emplace_back(target.name);
  names.emplace_back(kAll);
  return names;
}

}  // namespace

Action add_reproduce(CLI::App& app) {
  auto o = std::make_shared<ReproduceOptions>();
  app.description(
      "Runs what the paper ran, as far as the time allows, and sets it beside what was published.");
  app.footer(
      "Examples:\n"
      "  linformer reproduce all --budget 10m\n"
      "  linformer reproduce figure1 --checkpoint roberta-base --text wiki.txt --budget 8h\n");
  app.add_option("TARGET", o->target, "figure1, figure2, table1, table2, table3, theorems or all")
      ->check(one_of(target_names()))
      ->required();
  add_input_options(app, o->input, {.text = true, .stack = true});
  const char* group = "Reproduction";
  app.add_option("--budget", o->budget,
                 "time for it, e.g. 30m; of text, so many sequences are analysed, of lengths, so many timed "
                 "(default: 10m)")
      ->group(group);
  app.add_option("--out", o->folder, "folder that gets one for each target (default: results)")->group(group);
  app.add_option(
         "--model", o->model,
         "sizes of the encoder that is timed, as of bench (default: the checkpoint's, else roberta-base)")
      ->group(group);
  app.add_option("--lengths", o->lengths, "lengths that are timed, a list (default: the paper's)")
      ->group(group);
  app.add_option("--k", o->k, "slots of the linformers that are timed, a list (default: the paper's)")
      ->group(group);
  app.add_option("--batch-memory", o->batch_memory,
                 "memory that the largest batches of table3 are for (default: 16GB)")
      ->group(group);
  add_common_options(app, o->common, {.seed = true, .format = true, .progress = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
