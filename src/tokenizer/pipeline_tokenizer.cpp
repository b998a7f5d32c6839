// SPDX-License-Identifier: MIT
#include "tokenizer/pipeline_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "io/printable.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"
#include "tokenizer/word_cache.h"

namespace linformer {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

/// Where text of more than kPieceBytes is cut: before a space between a visible ASCII character and an ASCII
/// letter. No pattern has a word over that place, and no normal form joins what is on its sides.
std::size_t piece_end(std::string_view text) {
  const auto is_letter_at = [&](std::size_t i) { return (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z'; };
  for (std::size_t i = kPieceBytes; i + 1 < text.size(); ++i) {
    if (text[i] == ' ' && text[i - 1] > ' ' && text[i - 1] < 0x7F && is_letter_at(i + 1)) return i;
  }
  return text.size();
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(Pipeline pipeline, const std::string& subject)
    : parts_(std::move(pipeline)) {
  add_tokens(subject);
  find_special_tokens(subject);
  separate_added_tokens();
}

void PipelineTokenizer::add_tokens(const std::string& subject) {
  auto& tokens = parts_.tokens;
  std::stable_sort(parts_.added.begin(), parts_.added.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  std::unordered_map<std::string_view, int32_t> known;  // made where a token is new by its id
  const auto id_before = [&](const AddedToken& token) -> std::optional<int32_t> {
    if (known.empty()) {
      known.reserve(tokens.size());
      for (std::size_t i = 0; i < tokens.size(); ++i) known.try_emplace(tokens[i], static_cast<int32_t>(i));
    }
    const auto found = known.find(token.text);
    return found == known.end() ? std::nullopt : std::optional(found->second);
  };
  tokens.reserve(tokens.size() + parts_.added.size());  // so that texts stay where they are
  for (AddedToken& token : parts_.added) {
    const bool beyond = static_cast<std::size_t>(token.id) >= tokens.size();
    // What is there already keeps its id, as in the tokenizers library.
    if (const auto before = beyond ? id_before(token) : std::nullopt) token.id = *before;
    const auto index = static_cast<std::size_t>(token.id);
    const bool taken = index < tokens.size() && !tokens[index].empty() && tokens[index] != token.text;
    if (token.text.empty() || index > tokens.size() || taken) {
      throw Error(
          ErrorCode::kInput,
          {subject, fmt::format("added token \"{}\"", printable(token.text)), fmt::format("id {}", token.id),
           fmt::format("the token's own id or {}, the next free one", tokens.size()), kTokenIdsRemedy});
    }
    if (index == tokens.size()) tokens.emplace_back();
    tokens[index] = token.text;
    if (beyond) known.try_emplace(tokens[index], token.id);
  }
  check_keys(tokens, subject);
}

std::optional<int32_t> PipelineTokenizer::id_of(const std::optional<std::string>& token) const {
  if (!token) return std::nullopt;
  const auto found = std::find(parts_.tokens.begin(), parts_.tokens.end(), *token);
  if (found == parts_.tokens.end()) return std::nullopt;
  return static_cast<int32_t>(found - parts_.tokens.begin());
}

void PipelineTokenizer::find_special_tokens(const std::string& subject) {
  special_.unknown = id_of(parts_.unknown);
  special_.mask = id_of(parts_.mask);
  special_.padding = id_of(parts_.padding);
  for (const auto& id : {special_.unknown, special_.mask, special_.padding}) {
    if (id) special_.ids.push_back(*id);
  }
  for (const AddedToken& token : parts_.added) {
    if (token.special) special_.ids.push_back(token.id);
  }
  for (const auto* ids : {&parts_.sequence_template.before, &parts_.sequence_template.after}) {
    for (const int32_t id : *ids) {
      if (id >= vocabulary_size()) {
        throw Error(ErrorCode::kInput,
                    {subject, "post_processor", fmt::format("token id {}", id),
                     fmt::format("ids of the {} tokens", vocabulary_size()), kTokenIdsRemedy});
      }
      special_.ids.push_back(id);
    }
  }
  std::sort(special_.ids.begin(), special_.ids.end());
  special_.ids.erase(std::unique(special_.ids.begin(), special_.ids.end()), special_.ids.end());
}

void PipelineTokenizer::separate_added_tokens() {
  std::vector<AddedToken> raw;
  std::vector<AddedToken> normalised;
  for (AddedToken token : parts_.added) {
    if (!token.normalized) {
      raw.push_back(std::move(token));
      continue;
    }
    token.text = parts_.normalizer.apply(replace_invalid_utf8(token.text), {});
    const std::string_view inside =
        std::string_view(token.text).substr(std::min<std::size_t>(1, token.text.size()));
    may_cut_ = may_cut_ && !token.rstrip && inside.find(' ') == std::string_view::npos &&
               inside.find(kSpaceMark) == std::string_view::npos;
    normalised.push_back(std::move(token));
  }
  in_raw_text_ = AddedTokens(std::move(raw));
  in_normalised_text_ = AddedTokens(std::move(normalised));
}

std::string_view PipelineTokenizer::token(int32_t id) const {
  if (id >= 0 && id < vocabulary_size()) return parts_.tokens[static_cast<std::size_t>(id)];
  throw Error(ErrorCode::kInput, {fmt::format("token id {}", id), "", "not in the vocabulary",
                                  fmt::format("0 to {}", vocabulary_size() - 1), ""});
}

/// Appends ids until there are enough; remembers those of short words.
class PipelineTokenizer::Encoder {
 public:
  Encoder(const PipelineTokenizer& tokenizer, std::size_t text_bytes, std::size_t enough,
          std::vector<int32_t>& ids)
      : tokenizer_(tokenizer), enough_(enough), ids_(ids), words_(text_bytes) {}

  // Each returns whether to go on.
  bool token(int32_t id) {
    ids_.push_back(id);
    return wants_more();
  }

  bool part(std::string_view text, std::size_t offset) {
    for (bool at_start = true; !text.empty() && wants_more(); at_start = false) {
      const bool cut = text.size() > kPieceBytes && tokenizer_.may_cut_ && cuts_words();
      const std::size_t end = cut ? piece_end(text) : text.size();
      piece(text.substr(0, end), {at_start, at_start && offset == 0});
      text.remove_prefix(end);
    }
    return wants_more();
  }

 private:
  bool wants_more() const { return ids_.size() < enough_; }

  /// Whether words end at spaces at all.
  bool cuts_words() const {
    const WordSplitter& splitter = tokenizer_.parts_.splitter;
    return splitter.pattern != WordPattern::kNone || splitter.at_white_space || splitter.at_space_marks ||
           (splitter.metaspace && splitter.metaspace->split);
  }

  void piece(std::string_view text, Place place) {
    std::string valid;
    if (find_invalid_utf8(text) != std::string_view::npos) text = valid = replace_invalid_utf8(text);
    std::string normalised;
    if (!tokenizer_.parts_.normalizer.empty()) {
      text = normalised = tokenizer_.parts_.normalizer.apply(std::string(text), place);
    }
    tokenizer_.in_normalised_text_.split(
        text,
        [&](std::string_view part, std::size_t offset) {
          const Place inside{place.begins_part || offset > 0, place.begins_text && offset == 0};
          tokenizer_.parts_.splitter.split(part, inside, [&](std::string_view word) { return add(word); });
          return wants_more();
        },
        [&](int32_t id) { return token(id); });
  }

  bool add(std::string_view word) {
    if (words_.append(word, ids_)) return wants_more();
    const std::size_t begin = ids_.size();
    tokenizer_.parts_.model->append_ids(word, ids_);
    words_.remember(word, std::span(ids_).subspan(begin));
    return wants_more();
  }

  const PipelineTokenizer& tokenizer_;
  const std::size_t enough_;
  std::vector<int32_t>& ids_;
  WordCache words_;
};

void PipelineTokenizer::append_ids(std::string_view text, int64_t limit, std::vector<int32_t>& ids) const {
  const std::size_t begin = ids.size();
  const std::size_t room = ids.max_size() - begin;
  const std::size_t enough = begin + std::min(room, static_cast<std::size_t>(std::max<int64_t>(limit, 0)));
  Encoder encoder(*this, text.size(), enough, ids);
  if (limit > 0) {
    in_raw_text_.split(
        text, [&](std::string_view part, std::size_t offset) { return encoder.part(part, offset); },
        [&](int32_t id) { return encoder.token(id); });
  }
  if (ids.size() > enough) ids.resize(enough);
}

}  // namespace linformer
