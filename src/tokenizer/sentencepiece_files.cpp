// SPDX-License-Identifier: MIT
#include "tokenizer/sentencepiece_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "tokenizer/bpe.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/sentencepiece_merges.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/sentencepiece_text.h"
#include "tokenizer/unigram.h"

namespace linformer {
namespace {

using nlohmann::json;

/// What the families make of a model file.
struct Source {
  SentencePieceModel model;
  const json& config;
  const std::string& subject;

  bool flag(const char* key, bool fallback) const {
    return read_bool(config, key, subject).value_or(fallback);
  }
  std::string text(const char* role, const char* fallback) const {
    return read_token(config, role, subject).value_or(fallback);
  }
};

struct Scored {
  std::vector<std::string> tokens;   ///< by id
  std::vector<std::string> in_text;  ///< the same, but for those that are not looked for in text
  std::vector<double> scores;

  void add_special(const std::string& token) {
    tokens.push_back(token);
    in_text.emplace_back();
    scores.push_back(0);
  }

  /// The pieces from this id on. User-defined ones score as the library has it.
  void add_pieces(const SentencePieceModel& model, std::size_t from) {
    double best = 0;
    for (const SentencePiece& piece : model.pieces) {
      if (piece.type == SentencePiece::Type::kNormal) best = std::max(best, piece.score);
    }
    for (std::size_t i = from; i < model.pieces.size(); ++i) {
      const SentencePiece& piece = model.pieces[i];
      const bool whole = piece.type == SentencePiece::Type::kUserDefined;
      const bool found = whole || piece.type == SentencePiece::Type::kNormal;
      tokens.push_back(piece.text);
      in_text.push_back(found ? piece.text : "");
      scores.push_back(whole ? static_cast<double>(piece.text.size()) * best - 0.1 : piece.score);
    }
  }
};

/// The id of a token that the family cannot do without.
int32_t require(const Pipeline& pipeline, const std::string& token, const std::string& subject) {
  const auto found = std::find(pipeline.tokens.begin(), pipeline.tokens.end(), token);
  if (found != pipeline.tokens.end()) return static_cast<int32_t>(found - pipeline.tokens.begin());
  throw Error(ErrorCode::kInput, {subject, fmt::format("token {}", token), "not among the pieces",
                                  "the special tokens of its kind", kTokenIdsRemedy});
}

/// Added tokens by their text.
std::unordered_map<std::string, AddedToken*> by_text(std::vector<AddedToken>& added) {
  std::unordered_map<std::string, AddedToken*> result;
  for (AddedToken& token : added) result.try_emplace(token.text, &token);
  return result;
}

/// Special tokens, those of them that there are.
void add_special(Pipeline& pipeline, const std::vector<std::string>& texts) {
  std::unordered_map<std::string_view, int32_t> wanted;  // -1: not among the tokens
  for (const std::string& text : texts) wanted.try_emplace(text, -1);
  for (std::size_t i = pipeline.tokens.size(); i-- > 0;) {
    const auto found = wanted.find(pipeline.tokens[i]);
    if (found != wanted.end()) found->second = static_cast<int32_t>(i);
  }
  for (const AddedToken& token : pipeline.added) wanted.erase(token.text);
  for (const auto& [text, id] : wanted) {
    if (id >= 0 && !text.empty())
      pipeline.added.push_back({.text = std::string(text), .id = id, .special = true});
  }
}

/// Control pieces are found in the text as special tokens are.
void add_control_pieces(Pipeline& pipeline, const SentencePieceModel& model) {
  std::vector<std::string> texts;
  for (const SentencePiece& piece : model.pieces) {
    if (piece.type == SentencePiece::Type::kControl) texts.push_back(piece.text);
  }
  add_special(pipeline, texts);
}

DummyPrefix prefix_of(const Source& source, DummyPrefix where) {
  return source.flag("add_prefix_space", source.model.add_dummy_prefix) ? where : DummyPrefix::kNever;
}

/// A character without piece scores 10 less than the worst normal piece.
double unknown_score(const SentencePieceModel& model, const std::string& subject) {
  std::optional<double> worst;
  for (const SentencePiece& piece : model.pieces) {
    if (piece.type == SentencePiece::Type::kNormal)
      worst = std::min(worst.value_or(piece.score), piece.score);
  }
  if (!worst)
    throw Error(ErrorCode::kInput, {subject, "", "no normal piece", "pieces of text", kTokenIdsRemedy});
  return *worst - 10;
}

Pipeline make_unigram(Scored scored, int32_t unknown, const Source& source) {
  Pipeline result{.tokens = std::move(scored.tokens)};
  result.unknown = result.tokens.at(static_cast<std::size_t>(unknown));
  result.mask = source.text("mask_token", "<mask>");
  result.padding = source.text("pad_token", "<pad>");
  UnigramOptions options{.unknown = unknown, .unknown_score = unknown_score(source.model, source.subject)};
  if (source.model.byte_fallback) options.bytes = find_byte_tokens(result.tokens);
  result.splitter.at_space_marks = marks_begin_tokens(scored.in_text);
  result.model =
      std::make_unique<UnigramModel>(scored.in_text, std::move(scored.scores), options, source.subject);
  add_special(result, {*result.unknown, *result.mask, *result.padding});
  add_control_pieces(result, source.model);
  return result;
}

void add_text(Pipeline& pipeline, const Source& source) {
  pipeline.normalizer.add(
      sentencepiece_step(source.model, prefix_of(source, DummyPrefix::kEachPart), source.subject));
}

/// <extra_id_99> to <extra_id_0> follow the pieces.
Pipeline make_t5(const Source& source) {
  const json& count = member(source.config, "extra_ids");
  const int32_t extra = count.is_null() ? 100 : read_id(count, "extra_ids", source.subject);
  if (extra > 100000) reject_member(source.subject, "extra_ids", count, "at most 100000");
  Scored scored;
  scored.add_pieces(source.model, 0);
  std::vector<std::string> sentinels;
  for (int32_t i = extra; i-- > 0;) sentinels.push_back(fmt::format("<extra_id_{}>", i));
  for (const std::string& token : sentinels) scored.add_special(token);
  Pipeline result = make_unigram(std::move(scored), source.model.unknown, source);
  add_special(result, sentinels);
  result.sequence_template.after = {require(result, source.text("eos_token", "</s>"), source.subject)};
  add_text(result, source);
  return result;
}

void surround(Pipeline& pipeline, const Source& source, const char* begin, const char* end) {
  const std::string cls = source.text("cls_token", begin);
  const std::string sep = source.text("sep_token", end);
  pipeline.sequence_template = {{require(pipeline, cls, source.subject)},
                                {require(pipeline, sep, source.subject)}};
  add_special(pipeline, {cls, sep});
}

void require_pieces(const Source& source, std::size_t least) {
  if (source.model.pieces.size() >= least) return;
  throw Error(ErrorCode::kInput, {source.subject, "", fmt::format("{} pieces", source.model.pieces.size()),
                                  fmt::format("at least {}", least), kTokenIdsRemedy});
}

/// fairseq's order of the special tokens, then the pieces after <unk>, <s> and </s>.
Pipeline make_xlm_roberta(const Source& source) {
  require_pieces(source, 3);
  Scored scored;
  for (const char* token : {"<s>", "<pad>", "</s>", "<unk>"}) scored.add_special(token);
  scored.add_pieces(source.model, 3);
  scored.add_special("<mask>");
  Pipeline result = make_unigram(std::move(scored), 3, source);
  surround(result, source, "<s>", "</s>");
  add_text(result, source);
  return result;
}

Pipeline make_camembert(const Source& source) {
  require_pieces(source, 3);
  Scored scored;
  for (const char* token : {"<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"}) scored.add_special(token);
  scored.add_special("<unk>NOTUSED");
  scored.add_pieces(source.model, 1);
  scored.add_special("<mask>");
  Pipeline result = make_unigram(std::move(scored), 3, source);
  surround(result, source, "<s>", "</s>");
  add_text(result, source);
  return result;
}

Pipeline make_albert(const Source& source) {
  Scored scored;
  scored.add_pieces(source.model, 0);
  Pipeline result = make_unigram(std::move(scored), source.model.unknown, source);
  result.mask = source.text("mask_token", "[MASK]");
  add_special(result, {*result.mask});
  surround(result, source, "[CLS]", "[SEP]");
  result.normalizer.add(replacing("``", "\""));
  result.normalizer.add(replacing("''", "\""));
  if (!source.flag("keep_accents", false)) {
    result.normalizer.add(normal_form(NormalForm::kNfkd));
    result.normalizer.add(mark_dropping());
  }
  if (source.flag("do_lower_case", true)) result.normalizer.add(lower_casing());
  add_text(result, source);
  return result;
}

Pipeline make_llama(const Source& source) {
  const std::vector<SentencePiece>& pieces = source.model.pieces;
  Pipeline result;
  std::vector<std::string> in_text;
  BpeOptions options{.byte_fallback = source.model.byte_fallback, .fuse_unknown = true};
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const bool control = pieces[id].type == SentencePiece::Type::kControl;
    result.tokens.push_back(pieces[id].text);
    in_text.push_back(control ? "" : pieces[id].text);
    if (pieces[id].type == SentencePiece::Type::kUserDefined)
      options.whole.push_back(static_cast<int32_t>(id));
  }
  result.unknown = result.tokens[static_cast<std::size_t>(source.model.unknown)];
  options.unknown = result.unknown;
  check_keys(in_text, source.subject);
  PieceMerges merges = merges_of(source.model);
  result.model = std::make_unique<BpeModel>(in_text, merges.characters, std::move(merges.merges), options,
                                            source.subject);
  const DummyPrefix where = source.flag("legacy", false) ? DummyPrefix::kEachPart : DummyPrefix::kText;
  result.normalizer.add(sentencepiece_step(source.model, prefix_of(source, where), source.subject));
  result.splitter.at_space_marks = marks_begin_tokens(in_text);
  const std::string begin = source.text("bos_token", "<s>");
  const std::string end = source.text("eos_token", "</s>");
  add_special(result, {*result.unknown, begin, end});
  add_control_pieces(result, source.model);
  if (source.flag("add_bos_token", true))
    result.sequence_template.before = {require(result, begin, source.subject)};
  if (source.flag("add_eos_token", false))
    result.sequence_template.after = {require(result, end, source.subject)};
  return result;
}

/// Tokens of added_tokens_decoder, which are found in the raw text whatever it says; their flags count.
void add_configured(Pipeline& pipeline, const Source& source) {
  const auto known = by_text(pipeline.added);
  std::vector<AddedToken> more;
  for (AddedToken& token : read_added_tokens_decoder(source.config, source.subject)) {
    token.normalized = false;
    const auto found = known.find(token.text);
    if (found == known.end()) {
      more.push_back(std::move(token));
    } else {
      *found->second = std::move(token);
    }
  }
  std::move(more.begin(), more.end(), std::back_inserter(pipeline.added));
}

struct Family {
  std::string_view name;  ///< of the class, without "Tokenizer" and "Fast"
  bool bpe;
  Pipeline (*make)(const Source&);
};
constexpr std::array<Family, 5> kFamilies = {{{"T5", false, make_t5},
                                              {"XLMRoberta", false, make_xlm_roberta},
                                              {"Camembert", false, make_camembert},
                                              {"Albert", false, make_albert},
                                              {"Llama", true, make_llama}}};

std::string find_family(const Source& source) {
  if (const auto name = read_tokenizer_class(source.config, source.subject)) return *name;
  if (source.model.bpe) return "Llama";
  if (source.subject.ends_with("sentencepiece.bpe.model")) return "XLMRoberta";
  const auto& pieces = source.model.pieces;
  const bool has_cls =
      std::any_of(pieces.begin(), pieces.end(), [](const auto& p) { return p.text == "[CLS]"; });
  return has_cls ? "Albert" : "T5";
}

}  // namespace

Pipeline pipeline_from_sentencepiece(std::string_view bytes, const std::string& subject, const json& config) {
  const Source source{read_sentencepiece(bytes, subject), config, subject};
  const std::string name = find_family(source);
  for (const Family& family : kFamilies) {
    if (family.name != name) continue;
    if (family.bpe != source.model.bpe)
      refuse_member(subject, "model_type", source.model.bpe ? "BPE" : "unigram",
                    family.bpe ? "BPE" : "unigram");
    Pipeline result = family.make(source);
    add_configured(result, source);
    return result;
  }
  refuse_member(subject, "tokenizer_class", name + "Tokenizer",
                "the tokenizer of T5, XLMRoberta, Camembert, Albert or Llama");
}

}  // namespace linformer
