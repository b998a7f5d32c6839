// SPDX-License-Identifier: MIT
// The numbers that the paper published, as they are built in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace linformer {

/// Table 1: what it claims of each architecture, and the power of n where the claim is one.
struct PublishedComplexity {
  std::string architecture, per_layer, sequential;
  std::optional<double> exponent;
};
std::vector<PublishedComplexity> published_table1();

/// A row of Table 2, in %.
struct PublishedAccuracy {
  int64_t length = 0;
  std::string model;
  double sst2 = 0, imdb = 0, qnli = 0, qqp = 0, average = 0;
};
std::vector<PublishedAccuracy> published_table2();

/// A cell of Table 3.
struct PublishedSaving {
  int64_t length = 0, k = 0;
  double time = 0, memory = 0;  ///< times
};
std::vector<PublishedSaving> published_table3();

}  // namespace linformer
