// SPDX-License-Identifier: MIT
// The assembler copies the files in. Literals of the build: LINFORMER_DATA is the folder data/,
// LINFORMER_PAGE_SCRIPT the scripts of data/page as one file, LINFORMER_CHART_JS the distribution's Chart.js.
#include "io/embedded.h"

#define LINFORMER_EMBED(symbol, path)          \
  __asm__(                                     \
      ".pushsection .rodata\n"                 \
      ".balign 64\n" #symbol                   \
      "_begin:\n"                              \
      ".incbin \"" path "\"\n" #symbol         \
      "_end:\n"                                \
      ".byte 0\n"                              \
      ".popsection\n");                        \
  extern "C" const std::byte symbol##_begin[]; \
  extern "C" const std::byte symbol##_end[];

LINFORMER_EMBED(linformer_default_config, LINFORMER_DATA "/default/config.json")
LINFORMER_EMBED(linformer_default_model, LINFORMER_DATA "/default/model.safetensors")
LINFORMER_EMBED(linformer_default_vocabulary, LINFORMER_DATA "/default/vocab.txt")
LINFORMER_EMBED(linformer_default_tokenizer, LINFORMER_DATA "/default/tokenizer_config.json")
LINFORMER_EMBED(linformer_sample, LINFORMER_DATA "/sample.jsonl")
LINFORMER_EMBED(linformer_paper_table1, LINFORMER_DATA "/paper/table1.json")
LINFORMER_EMBED(linformer_paper_table2, LINFORMER_DATA "/paper/table2.json")
LINFORMER_EMBED(linformer_paper_table3, LINFORMER_DATA "/paper/table3.json")
LINFORMER_EMBED(linformer_page_template, LINFORMER_DATA "/page/page.html")
LINFORMER_EMBED(linformer_page_style, LINFORMER_DATA "/page/page.css")
LINFORMER_EMBED(linformer_page_script, LINFORMER_PAGE_SCRIPT)
LINFORMER_EMBED(linformer_chart_js, LINFORMER_CHART_JS)

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

PageParts embedded_page() {
  return {.html = text_between(linformer_page_template_begin, linformer_page_template_end),
          .style = text_between(linformer_page_style_begin, linformer_page_style_end),
          .script = text_between(linformer_page_script_begin, linformer_page_script_end),
          .chart = text_between(linformer_chart_js_begin, linformer_chart_js_end)};
}

}  // namespace linformer
