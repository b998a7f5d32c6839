// SPDX-License-Identifier: MIT
#include "tokenizer/open_tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "io/json.h"
#include "tokenizer/bpe_files.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/sentencepiece_files.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/wordpiece.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr std::string_view kWhole = "tokenizer.json";
constexpr std::string_view kConfig = "tokenizer_config.json";
constexpr std::string_view kTokens = "special_tokens_map.json";

std::string name_in(const TokenizerFiles& files, std::string_view file) {
  return files.path.empty() ? std::string(file) : files.path + "/" + std::string(file);
}

/// An object, or null if there is no such file.
json read_object(const TokenizerFiles& files, std::string_view file) {
  const auto content = files.file(file);
  if (!content) return {};
  const std::string name = name_in(files, file);
  json parsed = parse_json(*content, name);
  if (!parsed.is_object()) reject_member(name, "", parsed, "an object");
  return parsed;
}

/// tokenizer_config.json; where it has no added_tokens_decoder (older files), the tokens of
/// special_tokens_map.json come before its own, as in transformers.
json read_config(const TokenizerFiles& files) {
  json config = read_object(files, kConfig);
  if (!member(config, "added_tokens_decoder").is_null()) return config;
  const json tokens = read_object(files, kTokens);
  for (const char* role : kTokenRoles) {
    if (!member(tokens, role).is_null()) config[role] = tokens[role];
  }
  return config;
}

std::unique_ptr<Tokenizer> open_wordpiece(const TokenizerFiles& files, std::string_view file) {
  const std::string subject = name_in(files, file);
  const json config = read_config(files);
  const WordPieceOptions options =
      config.is_null() ? WordPieceOptions{} : wordpiece_options_from_config(config, name_in(files, kConfig));
  return std::make_unique<WordPieceTokenizer>(read_vocabulary(*files.file(file), subject), options, subject);
}

// What tokenizer_config.json would say, by config.json's model_type where that file is missing.
json with_class_of_model(json config, const TokenizerFiles& files) {
  constexpr std::pair<std::string_view, const char*> kClasses[] = {
      {"gpt2", "GPT2Tokenizer"}, {"roberta", "RobertaTokenizer"}, {"qwen2", "Qwen2Tokenizer"}};
  if (!member(config, "tokenizer_class").is_null()) return config;
  const json model = read_object(files, "config.json");
  const json& type = member(model, "model_type");
  for (const auto& [name, tokenizer] : kClasses) {
    if (type == name) config["tokenizer_class"] = tokenizer;
  }
  return config;
}

std::unique_ptr<Tokenizer> open_byte_level(const TokenizerFiles& files, std::string_view file) {
  const auto merges = files.file("merges.txt");
  if (!merges) {
    throw Error(ErrorCode::kInput, {name_in(files, "merges.txt"), "", "not there", "the merges of vocab.json",
                                    "Add the file, or give token ids with --ids"});
  }
  return std::make_unique<PipelineTokenizer>(
      bpe_from_vocabulary({.folder = name_in(files, ""),
                           .vocabulary = *files.file(file),
                           .merges = *merges,
                           .added = files.file("added_tokens.json"),
                           .config = with_class_of_model(read_config(files), files)}),
      name_in(files, file));
}

std::unique_ptr<Tokenizer> open_sentencepiece(const TokenizerFiles& files, std::string_view file) {
  const std::string subject = name_in(files, file);
  return std::make_unique<PipelineTokenizer>(
      pipeline_from_sentencepiece(*files.file(file), subject, read_config(files)), subject);
}

/// A vocabulary file that tells the kind of tokenizer.
struct VocabularyFile {
  std::string_view name;
  const char* kind;
  std::unique_ptr<Tokenizer> (*open)(const TokenizerFiles&, std::string_view file);
};
constexpr std::array<VocabularyFile, 5> kVocabularyFiles = {{
    {"vocab.txt", "WordPiece", open_wordpiece},
    {"vocab.json", "byte-level BPE", open_byte_level},
    {"spiece.model", "SentencePiece", open_sentencepiece},
    {"sentencepiece.bpe.model", "SentencePiece", open_sentencepiece},
    {"tokenizer.model", "SentencePiece", open_sentencepiece},
}};

const VocabularyFile* find_vocabulary(const TokenizerFiles& files) {
  const auto found =
      std::find_if(kVocabularyFiles.begin(), kVocabularyFiles.end(),
                   [&](const VocabularyFile& file) { return files.file(file.name).has_value(); });
  return found == kVocabularyFiles.end() ? nullptr : &*found;
}

/// A special token that tokenizer.json does not name: as the configuration does, else as most do.
std::optional<std::string> role_of(const json& config, const char* role, const Pipeline& pipeline,
                                   std::initializer_list<const char*> usual, const std::string& subject) {
  if (auto named = read_token(config, role, subject)) return named;
  for (const char* text : usual) {
    for (const AddedToken& token : pipeline.added) {
      if (token.text == text) return text;
    }
  }
  return std::nullopt;
}

std::unique_ptr<Tokenizer> open_pipeline(Pipeline pipeline, const TokenizerFiles& files,
                                         const std::string& subject) {
  const json config = read_config(files);
  const std::string name = name_in(files, kConfig);
  pipeline.mask = role_of(config, "mask_token", pipeline, {"<mask>", "[MASK]"}, name);
  pipeline.padding = role_of(config, "pad_token", pipeline, {"<pad>", "[PAD]"}, name);
  if (!pipeline.unknown) pipeline.unknown = role_of(config, "unk_token", pipeline, {"<unk>", "[UNK]"}, name);
  return std::make_unique<PipelineTokenizer>(std::move(pipeline), subject);
}

/// The model's type. Older files leave it out; what the model holds tells it then.
std::string model_type(const json& root, const std::string& subject) {
  const json& model = member(root, "model");
  if (!model.is_object() || !member(model, "type").is_null()) return type_of(model, "model", subject);
  if (!member(model, "merges").is_null()) return "BPE";
  return member(model, "vocab").is_array() ? "Unigram" : "WordPiece";
}

std::unique_ptr<Tokenizer> open_whole(const TokenizerFiles& files, std::string_view text) {
  const std::string subject = name_in(files, kWhole);
  const json root = parse_json(text, subject);
  if (!root.is_object()) reject_member(subject, "", root, "an object");
  const std::string type = model_type(root, subject);
  if (type == "WordPiece") {
    WordPieceDescription description = wordpiece_from_tokenizer_json(root, subject);
    return std::make_unique<WordPieceTokenizer>(std::move(description.tokens), description.options, subject);
  }
  if (type == "BPE") return open_pipeline(bpe_from_tokenizer_json(root, subject), files, subject);
  if (type == "Unigram") return open_pipeline(unigram_from_tokenizer_json(root, subject), files, subject);
  refuse_member(subject, "model", type, "WordPiece, BPE or Unigram");
}

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const TokenizerFiles& files) {
  const VocabularyFile* const vocabulary = find_vocabulary(files);
  if (const auto whole = files.file(kWhole)) {
    try {
      return open_whole(files, *whole);
    } catch (const Error& error) {
      if (vocabulary == nullptr || error.code() != ErrorCode::kUnsupported) throw;
    }
  }
  if (vocabulary != nullptr) return vocabulary->open(files, vocabulary->name);
  if (files.file("bpe.codes")) {
    throw Error(ErrorCode::kUnsupported, {name_in(files, "bpe.codes"), "", "a BPE of fastBPE's form",
                                          "tokenizer.json or vocab.json with merges.txt", kTokenIdsRemedy});
  }
  throw Error(ErrorCode::kInput, {files.path, "tokenizer", "none found",
                                  "tokenizer.json or a vocabulary (vocab.txt ...) beside the model",
                                  "Add the model's tokenizer files; commands that run a model take token ids "
                                  "with --ids instead"});
}

std::string tokenizer_kind(const TokenizerFiles& files) {
  if (const auto whole = files.file(kWhole)) {
    const std::string subject = name_in(files, kWhole);
    return model_type(parse_json(*whole, subject), subject) + " (tokenizer.json)";
  }
  const VocabularyFile* const vocabulary = find_vocabulary(files);
  if (vocabulary == nullptr) return std::string(kNoTokenizer);
  return std::string(vocabulary->kind) + " (" + std::string(vocabulary->name) + ")";
}

}  // namespace linformer
