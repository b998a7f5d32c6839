// SPDX-License-Identifier: MIT
#include "accuracy/split.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/index.h"

namespace linformer {
namespace {

std::vector<int64_t> in_order_of_appearance(std::span<const int64_t> documents) {
  std::vector<int64_t> once;
  for (const int64_t document : documents) {
    if (std::ranges::find(once, document) == once.end()) once.push_back(document);
  }
  return once;
}

}  // namespace

Split split_sequences(std::span<const int64_t> documents, double share) {
  const int64_t count = std::ssize(documents);
  if (share > 0 && count < 2) {
    throw Error(ErrorCode::kInput, {.subject = "the text",
                                    .found = "one sequence",
                                    .expected = "two or more, some to calibrate by and others to judge by",
                                    .remedy = "Give more text, a shorter --length, or --calibration 0"});
  }
  const std::vector<int64_t> order = in_order_of_appearance(documents);
  const double wanted = share * static_cast<double>(count);
  Split split;
  std::vector<bool> calibrates(documents.size());
  if (share > 0 && order.size() == 1) {
    const int64_t first = std::clamp<int64_t>(std::llround(wanted), 1, count - 1);
    std::fill_n(calibrates.begin(), first, true);
  } else if (share > 0) {
    int64_t taken = 0;
    for (size_t d = 0; d + 1 < order.size() && static_cast<double>(taken) < wanted; ++d) {
      ++split.calibration_documents;
      for (size_t i = 0; i < documents.size(); ++i) {
        if (documents[i] != order[d]) continue;
        calibrates[i] = true;
        ++taken;
      }
    }
  }
  for (int64_t i = 0; i < count; ++i)
    (calibrates[index(i)] ? split.calibration : split.evaluation).push_back(i);
  return split;
}

}  // namespace linformer
