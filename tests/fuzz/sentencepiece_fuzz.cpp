// SPDX-License-Identifier: MIT
// The input is a SentencePiece model, for each family whose kind it may be.
#include <cstddef>
#include <cstdint>

#include "fuzz/tokenizer_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  for (const char* file : {"spiece.model", "sentencepiece.bpe.model"})
    linformer::test::encode_or_refuse({{file, input}}, input.substr(0, 256));
  return 0;
}
