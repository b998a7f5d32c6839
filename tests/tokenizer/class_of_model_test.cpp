// SPDX-License-Identifier: MIT
// vocab.json and merges.txt without tokenizer_config.json: config.json tells whose they are.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "tokenizer/files.h"

namespace linformer {
namespace {

// Digits one by one (Qwen2) or as many as there are (GPT-2).
std::vector<int32_t> digits(const std::string& model_type, const std::string& tokenizer_class) {
  nlohmann::json vocabulary = {{"1", 0}, {"2", 1}, {"12", 2}, {"<|endoftext|>", 3}};
  test::Folder folder = {{"vocab.json", vocabulary.dump()}, {"merges.txt", "1 2\n"}};
  if (!model_type.empty()) folder["config.json"] = nlohmann::json{{"model_type", model_type}}.dump();
  if (!tokenizer_class.empty())
    folder["tokenizer_config.json"] = nlohmann::json{{"tokenizer_class", tokenizer_class}}.dump();
  return test::open(folder)->encode("12");
}

}  // namespace

TEST_CASE("config.json's model_type says whose vocabulary it is, unless the tokenizer's own files do",
          "[tokenizer]") {
  CHECK(digits("", "") == std::vector<int32_t>{2});
  CHECK(digits("gpt2", "") == std::vector<int32_t>{2});
  CHECK(digits("qwen2", "") == std::vector<int32_t>{0, 1});
  CHECK(digits("qwen2", "GPT2Tokenizer") == std::vector<int32_t>{2});
  CHECK(digits("gpt2", "Qwen2Tokenizer") == std::vector<int32_t>{0, 1});
}

}  // namespace linformer
