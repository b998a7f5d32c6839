// SPDX-License-Identifier: MIT
// The only reader and writer of the environment.
#pragma once

#include <map>
#include <string>

namespace linformer::cli {

/// A snapshot taken once at the start.
struct Environment {
  bool no_color = false;     ///< NO_COLOR is set and not empty, or TERM is "dumb"
  bool force_color = false;  ///< CLICOLOR_FORCE or FORCE_COLOR is set and not "0"
  std::string hub_cache;     ///< where the Hugging Face hub keeps models; empty if there is no home
  /// Settings of the libraries as they were found: OPENBLAS_*, OMP_*, GOMP_*, DNNL_*, ONEDNN_*.
  std::map<std::string, std::string> library_settings;
};

Environment read_environment();

/// Removes what would cripple or disturb the libraries (OPENBLAS_* pins, verbose output on stdout) and sets
/// what they need; before their first use. `isa`: as --isa.
void prepare_libraries(const Environment& environment, const std::string& isa);

}  // namespace linformer::cli
