// SPDX-License-Identifier: MIT
#include "io/printable.h"

#include <fmt/format.h>

#include <iterator>

namespace linformer {

std::string printable(std::string_view text, size_t most) {
  std::string line;
  for (const char c : text.substr(0, most)) {
    if (c >= ' ' && c <= '~') {
      line += c;
    } else {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text.size() > most ? line + "..." : line;
}

}  // namespace linformer
