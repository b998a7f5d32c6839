// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/targets.h"
//
#include <hwy/targets.h>

#include "catch.h"

namespace linformer {

/// Runs f with each instruction set that this machine and this build have.
template <class F>
void on_every_target(F f) {
  const int64_t all = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t rest = all; rest != 0; rest &= rest - 1) {
    hwy::SetSupportedTargetsForTest(rest & -rest);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    INFO("target " << hwy::TargetName(rest & -rest));
    f();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace linformer
