// SPDX-License-Identifier: MIT
#include "kernels/isa.h"

#include "kernels/targets.h"
//
#include <hwy/targets.h>

namespace linformer {
namespace {

// What this machine has and the kernels are compiled for.
int64_t usable_targets() { return hwy::SupportedTargets() & HWY_TARGETS; }

// Highway numbers targets so that a better one has a smaller value within its architecture.
int64_t best_target() { return usable_targets() & -usable_targets(); }

int64_t target_of(std::string_view isa) {
  if (isa == "avx512") return HWY_AVX3;
  if (isa == "avx2") return HWY_AVX2;
  if (isa == "baseline") return HWY_ARCH_X86 ? HWY_SSE4 : HWY_STATIC_TARGET;
  return 0;
}

}  // namespace

bool limit_kernel_isa(std::string_view isa) {
  if (isa == "auto") return true;
  const int64_t target = target_of(isa);
  if (target == 0 || (usable_targets() & target) == 0) return false;
  hwy::DisableTargets(target - 1);
  return best_target() == target;
}

std::string kernel_target() { return hwy::TargetName(best_target()); }

}  // namespace linformer
