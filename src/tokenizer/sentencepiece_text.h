// SPDX-License-Identifier: MIT
// What SentencePiece does to text before it looks for pieces (its normalizer.cc).
#pragma once

#include <string>

#include "tokenizer/normalizer.h"
#include "tokenizer/sentencepiece_model.h"

namespace linformer {

/// Where a space is put in front.
enum class DummyPrefix { kNever, kText, kEachPart };

/// From the left: a user-defined piece stays as it is, else what the longest rule begins with is replaced,
/// else the character stays. Extra spaces are removed if the model says so, spaces become space marks.
/// Errors: as Charsmap's.
Normalizer::Step sentencepiece_step(const SentencePieceModel& model, DummyPrefix prefix,
                                    const std::string& subject);

}  // namespace linformer
