// SPDX-License-Identifier: MIT
// linformer report: what reports hold, shown again, drawn, or compared.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "commands.h"
#include "compare.h"
#include "gnuplot.h"
#include "io/atomic_file.h"
#include "options.h"
#include "report/accuracy_read.h"
#include "report/advise_read.h"
#include "report/batch_fit_read.h"
#include "report/bench_read.h"
#include "report/figures.h"
#include "report/page.h"
#include "report/report_file.h"
#include "report/reproduction.h"
#include "report/spectrum_read.h"
#include "show_result.h"

namespace linformer::cli {
namespace {

struct ReportCommand {
  CommonOptions common;
  std::vector<std::string> files;
  std::string figures, page;
  CompareOptions compare;
};

// Where the numbers come from: the file, and the command that made it.
std::string preface(const ReportFile& file) {
  return fmt::format("{}: {}, by {}\n\n", file.path, file.root()["started"].text(),
                     fmt::join(file.root()["command"].texts(), " "));
}

void show(const ReportFile& file, const Session& session) {
  const auto in_order = nlohmann::ordered_json::parse(file.text);  // strictly parsed before
  switch (file.kind) {
    case ReportKind::kSpectrum:
      return show_spectrum(read_spectrum(file), in_order, preface(file), session);
    case ReportKind::kBench:
      return show_bench(read_bench(file), in_order, preface(file), session);
    case ReportKind::kBatchFit:
      return show_batch_fit(read_batch_fit(file), in_order, preface(file), session);
    case ReportKind::kAccuracy:
      return show_accuracy(read_accuracy(file), in_order, preface(file), session);
    case ReportKind::kAdvice:
      return show_advice(read_advice(file), in_order, preface(file), session);
    case ReportKind::kReproduction:
      return show_reproduction(read_reproduction(file), in_order, session);
  }
}

void check_files(const ReportCommand& o) {
  if (o.files.empty()) {
    throw Error(ErrorCode::kUsage,
                {.subject = "report", .found = "no file", .expected = "reports, or --compare A B"});
  }
  if (std::ranges::count(o.files, o.page) > 0) {
    throw Error(
        ErrorCode::kUsage,
        {.subject = "--page", .found = o.page + ", which is one of the reports", .expected = "another file"});
  }
  const bool one_only = o.common.format == Format::kCsv || o.common.format == Format::kJson;
  if (o.files.size() < 2 || !one_only) return;
  throw Error(ErrorCode::kUsage, {.subject = "--format",
                                  .found = "csv or json with several reports",
                                  .expected = "one report, or --format table, markdown or jsonl"});
}

// Whether there are pictures now.
bool draw(const std::vector<ReportFile>& files, const std::string& folder, const Session& session) {
  const FigureSet set = figures_of(files);
  for (const std::string& reason : set.left_out) session.note(reason);
  const bool drawn = write_figures(set.figures, folder, session);
  for (const auto& [name, text] : set.texts) write_file_atomically(folder + "/" + name, text);
  return drawn;
}

int run(const ReportCommand& o, const Invocation& invocation) {
  const Session session(o.common, invocation.environment, invocation.arguments);
  if (!o.compare.sides.empty()) return compare(o.compare, session);
  check_files(o);
  std::vector<ReportFile> files;
  for (const std::string& path : o.files) files.push_back(open_report(path));
  for (const ReportFile& file : files) {
    if (&file != &files.front() && o.common.format != Format::kJsonl) print("\n");
    show(file, session);
  }
  if (!o.page.empty()) write_file_atomically(o.page, report_page(files));
  return o.figures.empty() || draw(files, o.figures, session) ? 0 : 1;
}

}  // namespace

Action add_report(CLI::App& app) {
  auto o = std::make_shared<ReportCommand>();
  app.description("Shows what reports hold, draws it, or compares two.");
  app.footer(
      "Examples:\n"
      "  linformer report spectrum.json bench.json --figures figures --page report.html\n"
      "  linformer report --compare before.json after.json --regression 5%\n");
  CLI::Option* files =
      app.add_option("FILE", o->files, "reports of analyze-spectrum, bench, accuracy, advise and reproduce");
  const char* group = "Report";
  app.add_option("--figures", o->figures,
                 "folder for pictures (svg, pdf), each with its gnuplot script and data")
      ->group(group);
  CLI::Option* page =
      app.add_option("--page", o->page,
                     "one HTML file with all of them, to be read in a browser without a network")
          ->type_name("FILE")
          ->group(group);
  CLI::Option* compare =
      app.add_option("--compare", o->compare.sides,
                     "two reports, or two sides of several launches: files separated by commas, or a folder")
          ->expected(2)
          ->type_name("A B")
          ->excludes(files)
          ->excludes(page)
          ->group(group);
  app.add_option("--regression", o->compare.regression,
                 "share by which something must surely differ to be a regression (default: 5%)")
      ->needs(compare)
      ->group(group);
  app.add_flag("--force", o->compare.force, "compare different machines or inputs")
      ->needs(compare)
      ->group(group);
  add_common_options(app, o->common, {.format = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
