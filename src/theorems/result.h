// SPDX-License-Identifier: MIT
// What trials of the paper's theorems gave, as plain values; report/ writes it.
#pragma once

#include <cstdint>
#include <string>

namespace linformer {

struct TheoremTrial {
  int theorem = 1;   ///< 1 or 2
  std::string head;  ///< whose P
  int64_t n = 0, d = 0;
  double epsilon = 0;
  int64_t k = 0;        ///< that the theorem asks for
  double promised = 0;  ///< least probability of an error within ε that the proof leaves
  /// k >= n: no smaller matrix is promised, and nothing was tried.
  bool vacuous() const { return k >= n; }
  int64_t draws = 0;
  double kept = 0;          ///< share of draws whose error was within ε, as the theorem measures it
  double median_error = 0;  ///< in the same measure
  /// Share of rows whose error is within ε‖P_i‖‖w‖, which is what Johnson and Lindenstrauss bound.
  double rows_kept = 0;
  double zero_error = 0;  ///< the error of an output of zeros: a bound that it meets says nothing
};

}  // namespace linformer
