// SPDX-License-Identifier: MIT
// The JSON header of a safetensors file as it is written, types checked and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace linformer {

/// One tensor as the header describes it: data_offsets [begin, end) in bytes of the data buffer.
struct HeaderEntry {
  std::string name;
  std::string dtype;
  Shape shape;  ///< rank 0 to 8, sizes >= 0
  int64_t begin = 0;
  int64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<HeaderEntry> entries;             ///< sorted by name, names differ
  std::map<std::string, std::string> metadata;  ///< of __metadata__
};

/// Reads the JSON text without building it in memory. Keys of an entry that the format does not know are
/// skipped. Throws Error(kInput) naming `file` and the tensor for wrong types, missing or duplicate keys.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& file);

}  // namespace linformer
