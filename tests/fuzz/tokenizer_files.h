// SPDX-License-Identifier: MIT
// What a tokenizer must hold to, whatever its files say.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "tokenizer/files.h"

namespace linformer::test {

/// Opens the files and encodes `text` and a fixed one; errors are fine, ids that are no tokens are not.
inline void encode_or_refuse(const Folder& folder, const std::string& text) {
  try {
    const auto tokenizer = open(folder);
    const std::string fixed = " The  caf\xC3\xA9 <s>\t\xE4\xB8\xAD\xE6\x96\x87'll 12,3 aab abc \xFF\n";
    for (const std::string& each : {text, fixed}) {
      const std::vector<int32_t> ids = tokenizer->encode(each);
      for (const int32_t id : ids) {
        if (id < 0 || id >= tokenizer->vocabulary_size()) __builtin_trap();
      }
      std::vector<int32_t> first;
      tokenizer->append_ids(each, 3, first);
      if (first.size() > 3 || !std::equal(first.begin(), first.end(), ids.begin())) __builtin_trap();
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInput && error.code() != ErrorCode::kUnsupported) __builtin_trap();
  }
}

}  // namespace linformer::test
