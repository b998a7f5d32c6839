// SPDX-License-Identifier: MIT
#include "report/model_headline.h"

#include <fmt/format.h>

#include "report/numbers.h"

namespace linformer {

std::string model_headline(const Field& root, int64_t length, int64_t sequences) {
  constexpr int64_t kPapersLength = 512;
  std::string text = "attention from a file";
  bool papers = false;
  if (const auto architecture = root["input"].find("architecture")) {
    const std::string family = (*architecture)["family"].text();
    const int64_t layers = (*architecture)["layers"].integer(), heads = (*architecture)["heads"].integer();
    const bool base = layers == 12 && heads == 12, large = layers == 24 && heads == 16;
    papers = family == "roberta" && (base || large) && length == kPapersLength;
    text = fmt::format("{}, {} x {} heads", family, layers, heads);
  }
  if (length > 0) text += fmt::format(", n = {}", length);
  return fmt::format("{}{}, {}", papers ? "" : "Not the paper's model: ", text,
                     counted(sequences, "sequence"));
}

}  // namespace linformer
