// SPDX-License-Identifier: MIT
// The small languages of option values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// "3", "1,4,9", "0..5", "512..8192*2", "0..100+25" and mixtures, ends included; "a-b" is the same as "a..b".
/// Throws Error(kUsage) naming `option` for anything else, and for more than a million values.
std::vector<int64_t> parse_list(std::string_view text, const std::string& option);

/// "4096", "16GB", "1.5GiB", "200M": bytes, powers of 1000, or of 1024 with an i. Throws Error(kUsage).
int64_t parse_bytes(std::string_view text, const std::string& option);

/// "25%" as 0.25. Throws Error(kUsage) outside (0%, 100%].
double parse_share(std::string_view text, const std::string& option);

/// "90", "60s", "10m", "1.5h": seconds. Throws Error(kUsage) for anything else, and for 0 or less.
double parse_seconds(std::string_view text, const std::string& option);

}  // namespace linformer
