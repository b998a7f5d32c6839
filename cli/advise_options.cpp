// SPDX-License-Identifier: MIT
#include "advise_options.h"

#include <algorithm>

#include "base/parse.h"

namespace linformer::cli {

void add_advise_options(CLI::App& app, AdviseCommand& o) {
  add_input_options(app, o.input, {.text = true, .stack = true});
  const char* group = "Advice";
  app.add_option("--loss-increase", o.loss_increase,
                 "what may be lost, as a share of the (masked-)LM loss (default: 1%)")
      ->group(group);
  app.add_option(
         "--hidden-error", o.hidden_error,
         "the same of models without a head, as the relative error of the last hidden states (default: "
         "10%)")
      ->group(group);
  CLI::Option* k =
      app.add_option("--k", o.k, "slots that are tried, a list (default: n/8, n/4, n/2)")->group(group);
  CLI::Option* calibration =
      app.add_option(
             "--calibration", o.calibration,
             "share of the sequences that E and F are fitted to; the others are judged by (default: 0.5)")
          ->check(share_number())
          ->group(group);
  app.add_option("--budget", o.budget, "time for timing, e.g. 1m (default: 20s)")->group(group);
  group = "Reports that are there already (default: none; what is missing is run)";
  app.add_option("--accuracy", o.reports.accuracy, "a report of accuracy on the whole model")
      ->type_name("FILE")
      ->group(group)
      ->excludes(k)
      ->excludes(calibration);
  app.add_option("--spectrum", o.reports.spectrum, "a report of analyze-spectrum")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--bench", o.reports.benches,
                 "reports of bench: --level model at the length, attention alone over lengths, or both")
      ->type_name("FILE...")
      ->group(group);
  add_common_options(app, o.common, {.seed = true, .out = true, .format = true, .progress = true});
}

AccuracyOptions accuracy_options(const AdviseCommand& o, int64_t length) {
  AccuracyOptions options{
      .mechanisms = {"flash", "linformer:projection=mean-pooling", "nystrom", "fitted", "local"},
      .ks = o.k.empty() ? std::vector<int64_t>{} : parse_list(o.k, "--k"),
      .calibration = o.calibration,
      .seed = o.common.seed};
  if (o.k.empty()) {
    for (const int64_t part : {8, 4, 2}) options.ks.push_back(std::max<int64_t>(1, length / part));
  }
  return options;
}

}  // namespace linformer::cli
