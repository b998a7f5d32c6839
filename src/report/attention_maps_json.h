// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "report/field.h"
#include "spectrum/result.h"

namespace linformer {

/// `results.attention_maps` of a spectrum report; the result must have maps.
nlohmann::ordered_json attention_maps_json(const SpectrumResult& result);

/// The reverse; `result` has its layers and heads. Throws Error(kInput) naming the member that does not fit.
AttentionMaps read_attention_maps(const Field& field, const SpectrumResult& result);

}  // namespace linformer
