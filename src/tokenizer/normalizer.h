// SPDX-License-Identifier: MIT
// What a tokenizer does to text before it looks for words (tokenizers' normalizers).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unicode.h"

namespace linformer {

/// Where a text that is normalised or cut into words stands.
struct Place {
  bool begins_part = true;  ///< after an added token or at the very start
  bool begins_text = true;  ///< at the very start
};

/// Throws Error(kInput) if rules make a text of `before` bytes so long that only hostile ones do: more than
/// 16 times as long, 4 KiB aside.
void check_expansion(std::size_t before, std::size_t after);

/// Steps, one after the other. A text may be normalised in pieces; a step is told whether it sees the
/// beginning.
class Normalizer {
 public:
  using Step = std::function<std::string(std::string text, Place place)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }

  /// `text` is valid UTF-8; so is the result. Errors as check_expansion's.
  std::string apply(std::string text, Place place) const;

 private:
  std::vector<Step> steps_;
};

Normalizer::Step normal_form(NormalForm form);
Normalizer::Step lower_casing();
/// Drops categories M*.
Normalizer::Step mark_dropping();
/// Every occurrence of `from`, which is not empty.
Normalizer::Step replacing(std::string from, std::string to);
/// Two and more spaces: " {2,}".
Normalizer::Step space_collapsing(std::string to);
/// Before a text that is not empty.
Normalizer::Step prepending(std::string prefix);
/// White space at the ends.
Normalizer::Step stripping(bool left, bool right);

}  // namespace linformer
