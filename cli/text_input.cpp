// SPDX-License-Identifier: MIT
#include "text_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "base/error.h"
#include "image_input.h"
#include "io/embedded.h"
#include "io/printable.h"
#include "report/numbers.h"

namespace linformer::cli {
namespace {

constexpr int64_t kDefaultLength = 512;
constexpr const char* kSampleName = "the sample text that is built in";

// What there could be more of, of what the options allow.
std::string more_sequences(const InputOptions& options) {
  const char* const fewer = options.sequences > 1 ? ", or fewer --sequences" : "";
  if (!options.ids.empty()) return fmt::format("Give more lines with ids{}", fewer);
  if (options.per_document) return fmt::format("Give more documents{}", fewer);
  return fmt::format("Give more text, a smaller --length, or --join-documents{}", fewer);
}

void require_sequences(const InputOptions& options, const PackedText& packed, int64_t length) {
  const int64_t count = std::ssize(packed.sequences);
  if (count >= std::max<int64_t>(options.sequences, 1)) return;
  throw Error(
      ErrorCode::kInput,
      {.subject = name_of_text(options),
       .found = fmt::format("{} in {}, which give {}", counted(packed.tokens, "token"),
                            counted(packed.documents_read, "document"), counted(count, "sequence")),
       .expected = options.ids.empty() ? fmt::format("at least {} of {} tokens",
                                                     std::max<int64_t>(options.sequences, 1), length)
                                       : fmt::format("at least {}", std::max<int64_t>(options.sequences, 1)),
       .remedy = more_sequences(options)});
}

// The text of an id, where a tokenizer made it.
std::string name_of_id(int32_t id, const Tokenizer* tokenizer) {
  return tokenizer == nullptr ? fmt::format("id {}", id)
                              : fmt::format("token \"{}\", id {}", printable(tokenizer->token(id)), id);
}

std::string longest_of(const Architecture& a) {
  if (!a.windowed) return fmt::format("the model's {} positions", a.positions);
  return fmt::format("{}, the model's sliding window: beyond it keys are hidden, which is not computed",
                     a.positions);
}

constexpr const char* kCut = "Cut the sequences, as 'linformer tokenize --length N' does";

void check_ids(const PackedText& packed, const Architecture& a, const Tokenizer* tokenizer) {
  for (size_t i = 0; i < packed.sequences.size(); ++i) {
    const std::vector<int32_t>& ids = packed.sequences[i].ids;
    const auto fail = [&](std::string found, std::string expected, const char* remedy) {
      throw Error(ErrorCode::kInput,
                  {.subject = packed.documents[static_cast<size_t>(packed.sequences[i].document)],
                   .found = std::move(found),
                   .expected = std::move(expected),
                   .remedy = remedy});
    };
    if (std::ssize(ids) > a.positions) {
      fail(fmt::format("{} ids", ids.size()), "at most " + longest_of(a), kCut);
    }
    const int64_t least = a.only_length().value_or(1);
    if (std::ssize(ids) < least) {
      fail(fmt::format("{} ids", ids.size()),
           fmt::format("exactly {}: this model takes no shorter input", least), kCut);
    }
    const auto worst = std::max_element(ids.begin(), ids.end());
    if (*worst >= a.vocabulary)
      fail(name_of_id(*worst, tokenizer), fmt::format("ids below {}", a.vocabulary),
           "Use the tokenizer that belongs to this model");
  }
}

int64_t chosen_length(const InputOptions& options, const Architecture& a) {
  const std::optional<int64_t> only = a.only_length();
  const int64_t length =
      options.length > 0 ? options.length : only.value_or(std::min(kDefaultLength, a.positions));
  if (only && length < *only) {
    throw Error(ErrorCode::kUsage, {.subject = "--length",
                                    .found = std::to_string(length),
                                    .expected = fmt::format("{}, the only length this model takes", *only)});
  }
  if (length <= a.positions) return length;
  throw Error(
      ErrorCode::kUsage,
      {.subject = "--length", .found = std::to_string(length), .expected = "at most " + longest_of(a)});
}

}  // namespace

TokenizerFiles tokenizer_files(const Checkpoint& checkpoint) {
  return {.path = checkpoint.path(), .file = [&](std::string_view name) { return checkpoint.file(name); }};
}

const Tokenizer* CheckpointTokenizer::find() {
  return tokenizer_kind(tokenizer_files(checkpoint_)) == kNoTokenizer ? nullptr : &get();
}

const Tokenizer& CheckpointTokenizer::get() {
  if (!opened_) opened_ = open_tokenizer(tokenizer_files(checkpoint_));
  return *opened_;
}

std::string name_of_text(const InputOptions& options) {
  if (!options.ids.empty()) return options.ids;
  return options.text.empty() ? kSampleName : "--text";
}

std::vector<Document> open_documents(const InputOptions& options) {
  return options.text.empty() ? documents_from_jsonl(kSampleName, embedded_sample())
                              : read_documents(options.text, std::cin);
}

ReadText read_text(const InputOptions& options) {
  if (!options.ids.empty()) return {.ids = read_ids(options.ids, std::cin), .documents = {}};
  return {.ids = {}, .documents = open_documents(options)};
}

PackedText open_sequences(const InputOptions& options, CheckpointTokenizer& tokenizer,
                          const Architecture& a) {
  check_input_kind(options, a);
  if (options.ids.empty()) chosen_length(options, a);  // refused before anything is read
  return cut_sequences(options, read_text(options), tokenizer, a);
}

PackedText cut_sequences(const InputOptions& options, const ReadText& text, CheckpointTokenizer& tokenizer,
                         const Architecture& a) {
  const std::optional<int64_t> limit =
      options.sequences > 0 ? std::optional(options.sequences) : std::nullopt;
  check_input_kind(options, a);
  if (!options.ids.empty()) {
    PackedText packed = sequences_of_ids(options.ids, text.ids, limit);
    require_sequences(options, packed, 0);
    check_ids(packed, a, nullptr);
    return packed;
  }
  const int64_t length = chosen_length(options, a);
  PackedText packed = pack(tokenizer.get(), text.documents,
                           {.length = length,
                            .join_documents = options.join_documents,
                            .per_document = options.per_document,
                            .limit = limit});
  require_sequences(options, packed, length);
  check_ids(packed, a, &tokenizer.get());
  return packed;
}

nlohmann::ordered_json text_json(const InputOptions& options, const PackedText& packed) {
  nlohmann::ordered_json json;
  if (!options.ids.empty()) {
    json["ids"] = options.ids;
  } else {
    json["text"] = options.text.empty() ? std::vector<std::string>{kSampleName} : options.text;
  }
  json["documents"] = packed.documents.size();
  json["documents_read"] = packed.documents_read;
  json["tokens"] = packed.tokens;
  json["dropped_tokens"] = packed.dropped_tokens;
  json["short_documents"] = packed.short_documents;
  json["sequences"] = packed.sequences.size();
  return json;
}

}  // namespace linformer::cli
