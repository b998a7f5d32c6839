// SPDX-License-Identifier: MIT
// Who uses which place of a HeadWorkspace: what is alive at the same time must not share one.
#pragma once

#include <cstddef>

namespace linformer {

namespace place {
enum Place : size_t {
  kExactOutput,    // of the measurement
  kOutput,         // of a replacement: Ô
  kProbabilities,  // P̂
  kValues,         // what stands for V
  kRows,
  kColumns,
  kCoefficients,
  kParameters,  // of a fit: E above F
  kSlotKeys,
  kSlotValues,
  kSlotProbabilities,
  kSlotGradient,
  kTransposed,
  kSlotKeysGradient,
  kSlotValuesGradient,
  kGradient,
  kMoments,
  kBlock,  // f64 from here on
  kGram,
  kEigenvalues,
  kWork
};
}  // namespace place

}  // namespace linformer
