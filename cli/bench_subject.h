// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "bench/sweep.h"
#include "bench/workload.h"
#include "bench_options.h"
#include "model/model.h"

namespace linformer::cli {

/// What the options want timed, ready to run.
struct OpenSubject {
  std::unique_ptr<Model> model;  ///< null: attention alone
  std::unique_ptr<Subject> subject;
  nlohmann::ordered_json facts;  ///< sizes and values, for the report
};

/// Whether a model gets its weights, or is just asked for sizes.
enum class WeightsWanted { kYes, kSizesOnly };

/// `sweep` gets the sizes of the model, if there is one. Throws Error(kUsage) or Error(kUnsupported) for a
/// checkpoint that is no encoder of text, and what opening one throws.
OpenSubject open_subject(const BenchCommand& command, SweepOptions& sweep, WeightsWanted weights,
                         Session& session);

}  // namespace linformer::cli
