// SPDX-License-Identifier: MIT
#pragma once

#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

/// BERT (Devlin et al. 2018) as transformers saves it: with or without the "bert." prefix, LayerNorm
/// parameters named weight/bias or gamma/beta, with or without the masked-LM head.
ModelPlan plan_bert(const Checkpoint& checkpoint);

}  // namespace linformer
