// SPDX-License-Identifier: MIT
// The characters that byte-level vocabularies write for bytes (Radford et al. 2019, GPT-2's encoder.py).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// The bytes 33-126, 161-172 and 174-255 are the code points of the same number; the other 68, in order,
/// U+0100 and on.
char32_t byte_level_char(unsigned char byte);

/// The bytes that a token of such a vocabulary stands for; nothing if a character of it stands for none.
std::optional<std::string> byte_level_bytes(std::string_view token);

/// The token of each byte, -1 if there is none.
using ByteTokens = std::array<int32_t, 256>;

/// The tokens <0x00> to <0xFF>.
ByteTokens find_byte_tokens(const std::vector<std::string>& tokens);

}  // namespace linformer
