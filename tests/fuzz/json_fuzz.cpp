// SPDX-License-Identifier: MIT
// What the strict parser accepts, the library's own accepts as the same value.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const nlohmann::json value = linformer::parse_json(text, "fuzz");
    if (value != nlohmann::json::parse(text)) __builtin_trap();
    if (linformer::parse_json(linformer::dump_json(value), "dumped") != value) __builtin_trap();
  } catch (const linformer::Error&) {
  }
  return 0;
}
