// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tokenizer/tokenizer.h"

namespace linformer {

/// The template of a tokenizer.json's "post_processor": TemplateProcessing, BertProcessing,
/// RobertaProcessing, ByteLevel (which adds nothing), a Sequence of those with at most one template, or none.
/// Throws Error(kUnsupported) naming any other, Error(kInput) for a malformed one.
SequenceTemplate read_post_processor(const nlohmann::json& root, const std::string& subject);

}  // namespace linformer
