// SPDX-License-Identifier: MIT
// What a tokenizer does to text before it looks for words (tokenizers' normalizers).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/unicode.h"

namespace linformer {

/// Steps, one after the other. A text may be normalised in pieces; a step is told whether it sees the
/// beginning.
class Normalizer {
 public:
  using Step = std::function<std::string(std::string text, bool at_start)>;

  void add(Step step) { steps_.push_back(std::move(step)); }
  bool empty() const { return steps_.empty(); }

  /// `text` is valid UTF-8; so is the result.
  std::string apply(std::string text, bool at_start) const {
    for (const Step& step : steps_) text = step(std::move(text), at_start);
    return text;
  }

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
