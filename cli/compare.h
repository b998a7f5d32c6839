// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "options.h"

namespace linformer::cli {

struct CompareOptions {
  std::vector<std::string> sides;  ///< two: files separated by commas, or a folder
  std::string regression = "5%";
  bool force = false;
};

/// Prints how the second side differs from the first; 1 if there is a regression. Throws Error(kUsage) for
/// sides that must not be compared without `force`.
int compare(const CompareOptions& options, const Session& session);

}  // namespace linformer::cli
