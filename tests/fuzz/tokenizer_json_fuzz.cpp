// SPDX-License-Identifier: MIT
// The input is a tokenizer.json and, in part, a text.
#include <cstddef>
#include <cstdint>

#include "fuzz/tokenizer_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  linformer::test::encode_or_refuse({{"tokenizer.json", input}}, input.substr(0, 256));
  return 0;
}
