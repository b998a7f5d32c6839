// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// Base64 of RFC 4648, section 4, with padding and without line breaks.
std::string base64(std::span<const uint8_t> bytes);

/// The reverse; nothing if the text is not what base64() writes.
std::optional<std::vector<uint8_t>> from_base64(std::string_view text);

}  // namespace linformer
