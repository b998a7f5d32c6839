// SPDX-License-Identifier: MIT
#pragma once

#include "accuracy/result.h"
#include "advise/result.h"

namespace linformer {

/// Two layers of one head, and cells of everything that there can be.
AccuracyResult made_accuracy();

/// Of a model of two layers: exact, by two k, and by layer, of which the second k is worse than exact.
AdviceResult made_advice();

}  // namespace linformer
