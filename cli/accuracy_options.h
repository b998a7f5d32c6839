// SPDX-License-Identifier: MIT
// The options of linformer accuracy.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "accuracy/accuracy.h"
#include "input_options.h"
#include "report_places.h"

namespace linformer::cli {

struct AccuracyCommand {
  CommonOptions common;
  InputOptions input;
  Selection selection;
  std::string mechanisms;  ///< empty: all, of causal heads those that are causal
  std::string k;           ///< empty: n/32 to n/2
  double calibration = 0.5;
  std::string control = "init";
  int64_t init_seeds = 1;
  int64_t batch = 0;
  bool no_layers = false;
  bool no_model = false;
  std::string save_fitted;
  ResumeOptions resume;
};

void add_accuracy_options(CLI::App& app, AccuracyCommand& options);

/// `causal`: of the heads. Throws Error(kUsage) for lists that are none.
AccuracyOptions accuracy_options(const AccuracyCommand& options, bool causal);

}  // namespace linformer::cli
