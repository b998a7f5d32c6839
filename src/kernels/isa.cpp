// SPDX-License-Identifier: MIT
#include "kernels/isa.h"

#include "kernels/targets.h"
//
#include <hwy/targets.h>

#if HWY_ARCH_X86_64
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace linformer {
namespace {

// What this machine has, the limit allows and the kernels are compiled for. To ask Highway (1.0) makes it
// choose among all that the machine has; so the choice is made again.
int64_t usable_targets() {
  const int64_t targets = hwy::SupportedTargets();
  hwy::GetChosenTarget().Update(targets);
  return targets & HWY_TARGETS;
}

// Highway numbers targets so that a better one has a smaller value within its architecture.
int64_t best_target() { return usable_targets() & -usable_targets(); }

#if HWY_ARCH_X86_64
bool machine_has_pairs() { return __builtin_cpu_supports("avx512bf16") != 0; }

// Intel's cores take two steps for a product of pairs: the f32 kernels are faster, over copies.
bool pairs_pay() { return machine_has_pairs() && __builtin_cpu_is("intel") == 0; }

// Tiles are registers that Linux saves for a process only once it has asked.
bool machine_has_tiles() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kTiles = 1u << 22 | 1u << 24;  // AMX-BF16, AMX-TILE
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx & kTiles) != kTiles) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return machine_has_pairs() && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
bool machine_has_pairs() { return false; }
bool pairs_pay() { return false; }
bool machine_has_tiles() { return false; }
#endif

Bf16Products best_products() {
  static const Bf16Products best = machine_has_tiles() ? Bf16Products::kTiles
                                   : pairs_pay()       ? Bf16Products::kPairs
                                                       : Bf16Products::kNone;
  return best;
}

// As limit_kernel_isa() set it.
bool limited = false;
Bf16Products limit = Bf16Products::kNone;

int64_t target_of(std::string_view isa) {
  if (isa == "avx512" || isa == "avx512bf16" || isa == "amx") return HWY_AVX3;
  if (isa == "avx2") return HWY_AVX2;
  if (isa == "baseline") return HWY_ARCH_X86 ? HWY_SSE4 : HWY_STATIC_TARGET;
  return 0;
}

}  // namespace

bool limit_kernel_isa(std::string_view isa) {
  if (isa == "auto") {
    limited = false;
    hwy::DisableTargets(0);
    return true;
  }
  const int64_t target = target_of(isa);
  if (target == 0 || (usable_targets() & target) == 0) return false;
  if (isa == "amx" && !machine_has_tiles()) return false;
  if (isa == "avx512bf16" && !machine_has_pairs()) return false;
  limited = true;
  limit = isa == "amx"          ? Bf16Products::kTiles
          : isa == "avx512bf16" ? Bf16Products::kPairs
                                : Bf16Products::kNone;
  hwy::DisableTargets(target - 1);
  return best_target() == target;
}

Bf16Products bf16_products() { return limited ? limit : best_products(); }

bool has_bf16_products() { return bf16_products() != Bf16Products::kNone; }

std::string kernel_target() { return hwy::TargetName(best_target()); }

}  // namespace linformer
