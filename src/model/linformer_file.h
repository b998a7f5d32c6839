// SPDX-License-Identifier: MIT
// Linformers in files of our own (FORMATS.md, section 11).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "model/model.h"

namespace linformer {

/// The description of an architecture that the file carries, and the architecture that it describes. The
/// latter throws Error(kInput) naming `subject` and the key that is missing or impossible.
nlohmann::ordered_json description_of(const Architecture& architecture);
Architecture architecture_from(const nlohmann::json& description, const std::string& subject);

/// Writes a model whose keys and values are projected, in f32, atomically: what plan_linformer() reads.
/// Throws Error(kWrite), or Error(kUsage) for a model that is none, causal,
/// or has rotary positions.
void write_linformer(const std::string& path, const Model& model);

}  // namespace linformer
