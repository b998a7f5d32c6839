// SPDX-License-Identifier: MIT
// The assembler copies the files in; LINFORMER_DATA is the folder data/, a literal.
#include "io/embedded.h"

#define LINFORMER_EMBED(symbol, file)                     \
  __asm__(                                                \
      ".pushsection .rodata\n"                            \
      ".balign 64\n" #symbol                              \
      "_begin:\n"                                         \
      ".incbin \"" LINFORMER_DATA "/" file "\"\n" #symbol \
      "_end:\n"                                           \
      ".byte 0\n"                                         \
      ".popsection\n");                                   \
  extern "C" const std::byte symbol##_begin[];            \
  extern "C" const std::byte symbol##_end[];

LINFORMER_EMBED(linformer_default_config, "default/config.json")
LINFORMER_EMBED(linformer_default_model, "default/model.safetensors")
LINFORMER_EMBED(linformer_default_vocabulary, "default/vocab.txt")
LINFORMER_EMBED(linformer_default_tokenizer, "default/tokenizer_config.json")
LINFORMER_EMBED(linformer_sample, "sample.jsonl")

namespace linformer {

std::vector<std::pair<std::string, std::span<const std::byte>>> embedded_checkpoint() {
  return {{"config.json", {linformer_default_config_begin, linformer_default_config_end}},
          {"model.safetensors", {linformer_default_model_begin, linformer_default_model_end}},
          {"vocab.txt", {linformer_default_vocabulary_begin, linformer_default_vocabulary_end}},
          {"tokenizer_config.json", {linformer_default_tokenizer_begin, linformer_default_tokenizer_end}}};
}

std::string_view embedded_sample() {
  return {reinterpret_cast<const char*>(linformer_sample_begin),
          static_cast<size_t>(linformer_sample_end - linformer_sample_begin)};
}

}  // namespace linformer
