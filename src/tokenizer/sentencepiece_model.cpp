// SPDX-License-Identifier: MIT
#include "tokenizer/sentencepiece_model.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <cmath>
#include <cstdint>

#include "base/error.h"
#include "io/printable.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

[[noreturn]] void reject_model(const std::string& subject, std::string item, std::string found) {
  throw Error(ErrorCode::kInput,
              {subject, std::move(item), std::move(found), "a SentencePiece model", kTokenIdsRemedy});
}

/// Fields of a Protocol Buffers message, one after the other. The library has checked the file but does not
/// tell these settings.
class Message {
 public:
  Message(std::string_view bytes, const std::string& subject) : bytes_(bytes), subject_(subject) {}

  /// Steps to the next field; false at the end.
  bool next() {
    if (bytes_.empty()) return false;
    const uint64_t key = varint();
    number_ = key >> 3;
    value_ = 0;
    text_ = {};
    switch (key & 7) {
      case 0:
        value_ = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        text_ = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        reject_model(subject_, "", fmt::format("a field of wire type {}", key & 7));
    }
    return true;
  }

  uint64_t number() const { return number_; }
  uint64_t value() const { return value_; }
  std::string_view text() const { return text_; }

 private:
  std::string_view take(uint64_t count) {
    if (count > bytes_.size()) reject_model(subject_, "", "the file ends within a field");
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7Fu) << shift;
      if (byte < 0x80) return value;
    }
    reject_model(subject_, "", "a number of more than 64 bits");
  }

  std::string_view bytes_;
  const std::string& subject_;
  uint64_t number_ = 0;
  uint64_t value_ = 0;
  std::string_view text_;
};

// Field numbers of sentencepiece_model.proto.
constexpr uint64_t kTrainerSpec = 2;
constexpr uint64_t kModelType = 3;
constexpr uint64_t kByteFallback = 35;
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kCharsmap = 2;
constexpr uint64_t kSelfTest = 4;

void read_trainer_spec(Message spec, const std::string& subject, SentencePieceModel& model) {
  while (spec.next()) {
    if (spec.number() == kByteFallback) model.byte_fallback = spec.value() != 0;
    if (spec.number() != kModelType) continue;
    if (spec.value() != 1 && spec.value() != 2) {
      throw Error(ErrorCode::kUnsupported, {subject, "model_type", fmt::format("{}", spec.value()),
                                            "1 (unigram) or 2 (BPE)", kTokenIdsRemedy});
    }
    model.bpe = spec.value() == 2;
  }
}

void read_settings(std::string_view bytes, const std::string& subject, SentencePieceModel& model) {
  for (Message message(bytes, subject); message.next();) {
    if (message.number() == kSelfTest) {  // the library would run it, with rules that nobody has checked
      throw Error(ErrorCode::kUnsupported, {subject, "self_test_data", "texts to be segmented on loading",
                                            "a model without", kTokenIdsRemedy});
    }
    Message part(message.text(), subject);
    if (message.number() == kTrainerSpec) read_trainer_spec(part, subject, model);
    if (message.number() != kNormalizerSpec) continue;
    while (part.next()) {
      if (part.number() == kCharsmap) model.rules = part.text();
    }
  }
}

}  // namespace

SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& subject) {
  SentencePieceModel model;
  read_settings(bytes, subject, model);
  sentencepiece::SentencePieceProcessor processor;
  const auto status = processor.LoadFromSerializedProto({bytes.data(), bytes.size()});
  if (!status.ok()) reject_model(subject, "", printable(status.ToString()));
  const int size = processor.GetPieceSize();
  if (size == 0) reject_model(subject, "", "no pieces");
  for (int id = 0; id < size; ++id) {
    SentencePiece piece{processor.IdToPiece(id), processor.GetScore(id), processor.IsControl(id)};
    if (!std::isfinite(piece.score) || find_invalid_utf8(piece.text) != std::string::npos) {
      reject_model(subject, fmt::format("piece {}", id),
                   fmt::format("\"{}\" with score {}", printable(piece.text), piece.score));
    }
    model.pieces.push_back(std::move(piece));
  }
  model.unknown = processor.unk_id();
  if (model.unknown < 0 || model.unknown >= size) reject_model(subject, "", "no unknown piece");
  return model;
}

}  // namespace linformer
