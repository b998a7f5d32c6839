// SPDX-License-Identifier: MIT
#include "kernels/isa.h"

#include <hwy/targets.h>

namespace linformer {
namespace {

// Highway numbers targets so that a better one has a smaller value within its architecture.
int64_t best_target() {
  const int64_t supported = hwy::SupportedTargets();
  return supported & -supported;
}

int64_t target_of(std::string_view isa) {
  if (isa == "avx512") return HWY_AVX3;
  if (isa == "avx2") return HWY_AVX2;
  if (isa == "baseline") return HWY_SSE4;
  return 0;
}

}  // namespace

bool limit_kernel_isa(std::string_view isa) {
  if (isa == "auto") return true;
  const int64_t target = target_of(isa);
  if (target == 0 || (hwy::SupportedTargets() & target) == 0) return false;
  hwy::DisableTargets(target - 1);
  return best_target() == target;
}

std::string kernel_target() { return hwy::TargetName(best_target()); }

}  // namespace linformer
