// SPDX-License-Identifier: MIT
#include "report/reopened.h"

#include "io/json.h"
#include "report/accuracy_json.h"
#include "report/advise_json.h"
#include "report/batch_fit_json.h"
#include "report/bench_json.h"
#include "report/spectrum_json.h"

namespace linformer {
namespace {

ReportContext made_context() {
  ReportContext context;
  context.command = {"linformer", "made"};
  context.started = "2026-01-02T03:04:05Z";
  return context;
}

nlohmann::ordered_json made_input() {
  return {{"checkpoint", "made"}, {"architecture", {{"family", "bert"}, {"layers", 8}, {"heads", 3}}}};
}

}  // namespace

nlohmann::ordered_json made_report(const SpectrumResult& result) {
  return spectrum_report(made_context(),
                         {.input = made_input(),
                          .identity = "0123abcd",
                          .method = {{"singular_values", "gram"}},
                          .curves_csv = "elsewhere/made.curves.csv",
                          .spectra = {}},
                         result);
}

nlohmann::ordered_json made_report(const BenchResult& result) {
  return bench_report(made_context(), {{"level", "model"}}, "abc", result);
}

nlohmann::ordered_json made_report(const BatchFitResult& result) {
  return batch_fit_report(made_context(), {{"level", "layer"}}, "abc", result);
}

nlohmann::ordered_json made_report(const AccuracyResult& result) {
  return accuracy_report(made_context(), {.input = made_input(), .identity = "00", .method = {{"seed", 1}}},
                         result);
}

nlohmann::ordered_json made_report(const AdviceResult& result) {
  return advise_report(made_context(), {.input = made_input(), .method = {{"seed", 1}}}, result);
}

ReportFile reopened(const nlohmann::ordered_json& report) {
  return parse_report(dump_json(report), "made.json");
}

}  // namespace linformer
