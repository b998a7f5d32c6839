// SPDX-License-Identifier: MIT
// The input is a set of normalisation rules and the text that they are applied to, in both ways.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/sentencepiece_text.h"
#include "tokenizer/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace linformer;
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::string text = replace_invalid_utf8(input + " caf\xC3\xA9 e\xCC\x81 \xEF\xAC\x81");
  SentencePieceModel model;
  model.rules = input;
  try {
    for (const Normalizer::Step& step :
         {charsmap_step(input, "fuzz"), sentencepiece_step(model, DummyPrefix::kText, "fuzz")}) {
      if (find_invalid_utf8(step(text, {})) != std::string::npos) __builtin_trap();
    }
  } catch (const Error&) {
  }
  return 0;
}
