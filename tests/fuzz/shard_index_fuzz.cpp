// SPDX-License-Identifier: MIT
// The input is the text of an index.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "checkpoint/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const linformer::ShardIndex index = linformer::parse_shard_index(text, "fuzz");
    for (const std::string& file : index.files) {
      if (file.find('/') != std::string::npos || file == "..") __builtin_trap();
    }
    for (const auto& entry : index.entries) {
      if (entry.file >= index.files.size()) __builtin_trap();
    }
  } catch (const linformer::Error&) {
  }
  return 0;
}
