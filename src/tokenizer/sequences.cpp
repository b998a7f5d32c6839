// SPDX-License-Identifier: MIT
#include "tokenizer/sequences.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

int64_t size_of(const std::vector<int32_t>& ids) { return static_cast<int64_t>(ids.size()); }

}  // namespace

Packer::Packer(const SequenceTemplate& sequence_template, const Packing& packing)
    : template_(sequence_template), packing_(packing), body_(packing.length - sequence_template.added()) {
  if (body_ < 1) {
    throw Error(ErrorCode::kUsage, {"--length", "", fmt::format("{}", packing.length),
                                    fmt::format("at least {}: the model's template takes {} tokens",
                                                template_.added() + 1, template_.added()),
                                    ""});
  }
  if (packing.join_documents && packing.per_document) {
    throw Error(ErrorCode::kUsage,
                {"--join-documents", "", "given with --per-document", "one of the two", ""});
  }
}

int64_t Packer::tokens_wanted() const {
  const int64_t left = packing_.limit ? *packing_.limit - static_cast<int64_t>(packed_.sequences.size()) : 1;
  if (left <= 0) return 0;
  if (packing_.per_document) return body_;
  if (!packing_.limit || left > Tokenizer::kNoLimit / body_) return Tokenizer::kNoLimit;
  return left * body_;
}

void Packer::emit(const int32_t* begin, int64_t count) {
  Sequence sequence{static_cast<int64_t>(packed_.documents.size()) - 1, {}};
  sequence.ids.reserve(static_cast<std::size_t>(count + template_.added()));
  sequence.ids = template_.before;
  sequence.ids.insert(sequence.ids.end(), begin, begin + count);
  sequence.ids.insert(sequence.ids.end(), template_.after.begin(), template_.after.end());
  packed_.sequences.push_back(std::move(sequence));
}

void Packer::join(const std::string& name, const std::vector<int32_t>& ids) {
  if (ids.empty()) return;
  if (joined_documents_++ == 0) joined_name_ = name;
  joined_.insert(joined_.end(), ids.begin(), ids.end());
  if (size_of(joined_) < body_) return;
  packed_.documents.push_back(fmt::format("{} and {} more", joined_name_, joined_documents_ - 1));
  emit(joined_.data(), body_);
  packed_.dropped_tokens += size_of(joined_) - body_;
  joined_.clear();
  joined_documents_ = 0;
}

void Packer::add(const std::string& name, const std::vector<int32_t>& ids) {
  const int64_t wanted = tokens_wanted();
  if (wanted == 0) return;
  const int64_t count = size_of(ids);
  ++packed_.documents_read;
  packed_.tokens += count;
  const bool is_short = count < body_;
  if (is_short) ++packed_.short_documents;
  if (is_short && packing_.join_documents) return join(name, ids);

  const int64_t usable = std::min(count, wanted);
  const int64_t size = packing_.per_document ? std::min(count, body_) : body_;
  int64_t used = 0;
  if (size > 0 && usable >= size) packed_.documents.push_back(name);
  for (; size > 0 && used + size <= usable; used += size) emit(ids.data() + used, size);
  packed_.dropped_tokens += count - used;
}

PackedText Packer::finish() {
  packed_.dropped_tokens += size_of(joined_);
  packed_.limited = full();
  joined_.clear();
  return std::move(packed_);
}

PackedText pack(const Tokenizer& tokenizer, const std::vector<Document>& documents, const Packing& packing) {
  Packer packer(tokenizer.sequence_template(), packing);
  std::vector<int32_t> ids;
  for (const Document& document : documents) {
    if (packer.full()) break;
    ids.clear();
    tokenizer.append_ids(document.text, packer.tokens_wanted(), ids);
    packer.add(document.name, ids);
  }
  return packer.finish();
}

PackedText sequences_of_ids(const std::string& name, const std::vector<IdList>& lists,
                            std::optional<int64_t> limit) {
  PackedText packed;
  std::map<int64_t, int64_t> numbers;  // documents as the file numbers them, to ours
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (limit && static_cast<int64_t>(packed.sequences.size()) >= *limit) break;
    ++packed.documents_read;
    packed.tokens += size_of(lists[i].ids);
    if (lists[i].ids.empty()) {
      ++packed.short_documents;
      continue;
    }
    const auto next = static_cast<int64_t>(packed.documents.size());
    const int64_t document =
        lists[i].document ? numbers.try_emplace(*lists[i].document, next).first->second : next;
    if (document == next) packed.documents.push_back(fmt::format("{}:{}", name, i + 1));
    packed.sequences.push_back({document, lists[i].ids});
  }
  packed.limited = limit && static_cast<int64_t>(packed.sequences.size()) >= *limit;
  return packed;
}

std::vector<int32_t> template_positions(const SequenceTemplate& sequence_template, int64_t length) {
  std::vector<int32_t> positions(static_cast<std::size_t>(sequence_template.added()));
  std::iota(positions.begin(), positions.end(), 0);
  const auto after = static_cast<std::ptrdiff_t>(sequence_template.before.size());
  std::iota(positions.begin() + after, positions.end(),
            static_cast<int32_t>(length - size_of(sequence_template.after)));
  return positions;
}

std::vector<int32_t> template_id_positions(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  std::vector<int32_t> added = tokenizer.sequence_template().before;
  const std::vector<int32_t>& after = tokenizer.sequence_template().after;
  added.insert(added.end(), after.begin(), after.end());
  if (tokenizer.special_tokens().padding) added.push_back(*tokenizer.special_tokens().padding);
  std::vector<int32_t> positions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (std::find(added.begin(), added.end(), ids[i]) != added.end()) {
      positions.push_back(static_cast<int32_t>(i));
    }
  }
  return positions;
}

}  // namespace linformer
