// SPDX-License-Identifier: MIT
// The options of linformer advise.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "accuracy/accuracy.h"
#include "input_options.h"
#include "report/advise_parts.h"

namespace linformer::cli {

struct AdviseCommand {
  CommonOptions common;
  InputOptions input;
  AdviseReports reports;
  std::string k;  ///< empty: n/8 to n/2
  std::string loss_increase = "1%";
  std::string hidden_error = "10%";
  double calibration = 0.5;
  std::string budget = "20s";
};

void add_advise_options(CLI::App& app, AdviseCommand& options);

/// Of the accuracy that advise runs itself.
AccuracyOptions accuracy_options(const AdviseCommand& options, int64_t length);

}  // namespace linformer::cli
