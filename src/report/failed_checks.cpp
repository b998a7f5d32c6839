// SPDX-License-Identifier: MIT
#include "report/failed_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace linformer {

std::string failed_checks(const SpectrumChecks& checks) {
  std::vector<std::string> failed;
  if (!checks.norms_passed()) {
    failed.push_back(fmt::format("sum sigma^2 differs from ||P||_F^2 by up to {:.1e} of it (allowed {:.0e})",
                                 checks.largest_norm_error, kNormTolerance));
  }
  if (!checks.sigma1_passed()) {
    failed.push_back(fmt::format(
        "sigma_1 ({:.6f} at the least) is down to {:.6f} of its lower bound ||P1||/||1|| (allowed {})",
        checks.smallest_sigma1.value_or(0), checks.smallest_sigma1_ratio.value_or(0), 1 - kNormTolerance));
  }
  if (!checks.verified_passed()) {
    failed.push_back(fmt::format("singular values differ from f64 by up to {:.1e} sigma_1 (allowed {:.0e})",
                                 checks.largest_verified_error, checks.tolerance));
  }
  if (failed.empty()) return "";
  return fmt::format("{} of 3 checks failed: {}; do not rely on these results", failed.size(),
                     fmt::join(failed, "; "));
}

}  // namespace linformer
