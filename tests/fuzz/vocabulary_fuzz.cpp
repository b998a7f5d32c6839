// SPDX-License-Identifier: MIT
// The input is up to four files with zero bytes between them: vocab.json or vocab.txt, merges.txt,
// tokenizer_config.json and added_tokens.json.
#include <array>
#include <cstddef>
#include <cstdint>

#include "fuzz/tokenizer_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  linformer::test::Folder folder;
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json"}) {
    const size_t end = rest.find('\0');
    folder[name] = rest.substr(0, end);
    if (end == std::string::npos) break;
    rest.erase(0, end + 1);
  }
  const std::string vocabulary = folder["vocab.json"];
  linformer::test::encode_or_refuse(folder, vocabulary.substr(0, 256));
  folder.erase("vocab.json");
  folder["vocab.txt"] = vocabulary;
  linformer::test::encode_or_refuse(folder, vocabulary.substr(0, 256));
  return 0;
}
