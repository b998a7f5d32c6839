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
LINFORMER_EMBED(linformer_paper_table1, "paper/table1.json")
LINFORMER_EMBED(linformer_paper_table2, "paper/table2.json")
LINFORMER_EMBED(linformer_paper_table3, "paper/table3.json")

namespace linformer {
namespace {

std::string_view text_between(const std::byte* begin, const std::byte* end) {
  return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)};
}

}  // namespace

std::vector<std::pair<std::string, std::span<const std::byte>>> embedded_checkpoint() {
  return {{"config.json", {linformer_default_config_begin, linformer_default_config_end}},
          {"model.safetensors", {linformer_default_model_begin, linformer_default_model_end}},
          {"vocab.txt", {linformer_default_vocabulary_begin, linformer_default_vocabulary_end}},
          {"tokenizer_config.json", {linformer_default_tokenizer_begin, linformer_default_tokenizer_end}}};
}

std::string_view embedded_sample() { return text_between(linformer_sample_begin, linformer_sample_end); }

std::string_view embedded_paper_table(int number) {
  switch (number) {
    case 1:
      return text_between(linformer_paper_table1_begin, linformer_paper_table1_end);
    case 2:
      return text_between(linformer_paper_table2_begin, linformer_paper_table2_end);
    default:
      return text_between(linformer_paper_table3_begin, linformer_paper_table3_end);
  }
}

}  // namespace linformer
