// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace linformer {

/// Cuts words into pieces of a vocabulary. Immutable once made.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;

  /// Appends the ids of a word, which is valid UTF-8 and not empty; ids that are there already do not count.
  virtual void append_ids(std::string_view word, std::vector<int32_t>& ids) const = 0;
};

}  // namespace linformer
