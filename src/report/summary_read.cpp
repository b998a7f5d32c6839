// SPDX-License-Identifier: MIT
#include "report/summary_read.h"

namespace linformer {

Summary read_summary(const Field& field) {
  return {.mean = field["mean"].number_or_nan(),
          .interval = field["interval"].interval(),
          .median = field["median"].number_or_nan(),
          .p95 = field["p95"].number_or_nan(),
          .max = field["max"].number_or_nan()};
}

}  // namespace linformer
