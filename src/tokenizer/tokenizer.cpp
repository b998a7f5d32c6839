// SPDX-License-Identifier: MIT
#include "tokenizer/tokenizer.h"

#include <algorithm>

namespace linformer {

bool SpecialTokens::contains(int32_t id) const { return std::binary_search(ids.begin(), ids.end(), id); }

std::vector<int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int32_t> result;
  append_ids(text, kNoLimit, result);
  return result;
}

}  // namespace linformer
