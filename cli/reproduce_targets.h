// SPDX-License-Identifier: MIT
// What `reproduce` runs: one function a target.
#pragma once

#include <cstdint>
#include <string>

#include "input_options.h"
#include "options.h"
#include "report/reproduction.h"

namespace linformer::cli {

struct ReproduceOptions {
  CommonOptions common;
  InputOptions input;
  std::string target;
  std::string budget = "10m";
  std::string folder = "results";
  std::string
      model;  ///< sizes of what figure2, table1 and table3 time; empty: a checkpoint's, else the paper's
  std::string lengths;                ///< of the same; empty: the paper's
  std::string k;                      ///< the same
  std::string batch_memory = "16GB";  ///< that the largest batches of table3 are for
};

/// Each runs within about `seconds` and leaves its report in `folder`, which is there.
Reproduction reproduce_figure1(const ReproduceOptions& options, double seconds, const std::string& folder,
                               Session& session);
Reproduction reproduce_figure2(const ReproduceOptions& options, double seconds, const std::string& folder,
                               Session& session);
Reproduction reproduce_table1(const ReproduceOptions& options, double seconds, const std::string& folder,
                              Session& session);
Reproduction reproduce_table3(const ReproduceOptions& options, double seconds, const std::string& folder,
                              Session& session);
Reproduction reproduce_theorems(const ReproduceOptions& options, double seconds, const std::string& folder,
                                Session& session);

}  // namespace linformer::cli
