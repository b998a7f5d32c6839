// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linformer {

/// The files built into the program: the default checkpoint (data/default) by file name ...
std::vector<std::pair<std::string, std::span<const std::byte>>> embedded_checkpoint();
/// ... and the sample text (data/sample.jsonl).
std::string_view embedded_sample();

}  // namespace linformer
