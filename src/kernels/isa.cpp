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

bool machine_has_bf16_products() {
#if HWY_ARCH_X86_64
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

bool limited_below_bf16 = false;

int64_t target_of(std::string_view isa) {
  if (isa == "avx512" || isa == "avx512bf16") return HWY_AVX3;
  if (isa == "avx2") return HWY_AVX2;
  if (isa == "baseline") return HWY_ARCH_X86 ? HWY_SSE4 : HWY_STATIC_TARGET;
  return 0;
}

}  // namespace

bool limit_kernel_isa(std::string_view isa) {
  if (isa == "auto") return true;
  const int64_t target = target_of(isa);
  if (target == 0 || (usable_targets() & target) == 0) return false;
  limited_below_bf16 = isa != "avx512bf16";
  if (!limited_below_bf16 && !machine_has_bf16_products()) return false;
  hwy::DisableTargets(target - 1);
  return best_target() == target;
}

bool has_bf16_products() { return machine_has_bf16_products() && !limited_below_bf16; }

std::string kernel_target() { return hwy::TargetName(best_target()); }

}  // namespace linformer
