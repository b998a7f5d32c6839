// SPDX-License-Identifier: MIT
#include "io/printable.h"

#include <fmt/format.h>

#include <iterator>

namespace linformer {

std::string printable(std::string_view text) {
  constexpr size_t kMaxBytes = 100;
  std::string line;
  for (const char c : text.substr(0, kMaxBytes)) {
    if (c >= ' ' && c <= '~') {
      line += c;
    } else {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text.size() > kMaxBytes ? line + "..." : line;
}

}  // namespace linformer
