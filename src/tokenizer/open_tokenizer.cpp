// SPDX-License-Identifier: MIT
#include "tokenizer/open_tokenizer.h"

#include <array>

#include "base/error.h"
#include "io/json.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/wordpiece.h"

namespace linformer {
namespace {

constexpr std::string_view kVocabulary = "vocab.txt";
constexpr std::string_view kConfig = "tokenizer_config.json";
constexpr std::string_view kWhole = "tokenizer.json";

/// Files that give away a tokenizer of another kind.
constexpr std::array<TokenizerChoice, 6> kOtherKinds = {{
    {"merges.txt", "byte-level BPE"},
    {"vocab.json", "byte-level BPE"},
    {"spiece.model", "SentencePiece"},
    {"sentencepiece.bpe.model", "SentencePiece"},
    {"tokenizer.model", "SentencePiece"},
    {"bpe.codes", "BPE"},
}};

std::string name_in(const TokenizerFiles& files, std::string_view file) {
  return files.path.empty() ? std::string(file) : files.path + "/" + std::string(file);
}

[[noreturn]] void refuse_choice(const TokenizerFiles& files, const TokenizerChoice& choice) {
  if (!choice.file.empty()) {
    throw Error(ErrorCode::kUnsupported,
                {name_in(files, choice.file), "", "a " + std::string(choice.kind) + " tokenizer",
                 "WordPiece (vocab.txt)", "Tokenise the text elsewhere and give the ids with --ids"});
  }
  throw Error(ErrorCode::kInput,
              {files.path, "tokenizer", "none found", "vocab.txt or tokenizer.json beside the model",
               "Add the model's vocab.txt, or give token ids with --ids"});
}

std::unique_ptr<Tokenizer> open_whole(std::string_view text, const std::string& subject) {
  WordPieceDescription description = wordpiece_from_tokenizer_json(parse_json(text, subject), subject);
  return std::make_unique<WordPieceTokenizer>(std::move(description.tokens), description.options, subject);
}

std::unique_ptr<Tokenizer> open_vocabulary(const TokenizerFiles& files, std::string_view text,
                                           const std::string& subject) {
  const auto config = files.file(kConfig);
  const std::string config_name = name_in(files, kConfig);
  const WordPieceOptions options =
      config ? wordpiece_options_from_config(parse_json(*config, config_name), config_name)
             : WordPieceOptions{};
  return std::make_unique<WordPieceTokenizer>(read_vocabulary(text, subject), options, subject);
}

}  // namespace

TokenizerChoice choose_tokenizer(const TokenizerFiles& files) {
  const bool vocabulary = files.file(kVocabulary).has_value();
  // A vocabulary alone does not tell whether to lower-case; tokenizer.json does.
  if (files.file(kWhole) && (!vocabulary || !files.file(kConfig))) return {kWhole, "", true};
  if (vocabulary) return {kVocabulary, "WordPiece", true};
  for (const TokenizerChoice& other : kOtherKinds) {
    if (files.file(other.file)) return other;
  }
  return {};
}

std::unique_ptr<Tokenizer> open_tokenizer(const TokenizerFiles& files) {
  const TokenizerChoice choice = choose_tokenizer(files);
  if (!choice.supported) refuse_choice(files, choice);
  const std::string subject = name_in(files, choice.file);
  const std::string_view text = files.file(choice.file).value();
  return choice.file == kWhole ? open_whole(text, subject) : open_vocabulary(files, text, subject);
}

}  // namespace linformer
