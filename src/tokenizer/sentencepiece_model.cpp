// SPDX-License-Identifier: MIT
#include "tokenizer/sentencepiece_model.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <cmath>
#include <cstdint>
#include <exception>

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
constexpr uint64_t kPieces = 1;
constexpr uint64_t kPieceType = 3;
constexpr uint64_t kTrainerSpec = 2;
constexpr uint64_t kModelType = 3;
constexpr uint64_t kTreatWhitespaceAsSuffix = 24;
constexpr uint64_t kByteFallback = 35;
constexpr uint64_t kNormalizerSpec = 3;
constexpr uint64_t kCharsmap = 2;
constexpr uint64_t kAddDummyPrefix = 3;
constexpr uint64_t kRemoveExtraWhitespaces = 4;
constexpr uint64_t kEscapeWhitespaces = 5;
constexpr uint64_t kSelfTest = 4;

SentencePiece::Type read_type(Message piece, const std::string& subject) {
  uint64_t type = 1;
  while (piece.next()) {
    if (piece.number() == kPieceType) type = piece.value();
  }
  if (type < 1 || type > 6) reject_model(subject, "", fmt::format("a piece of type {}", type));
  return static_cast<SentencePiece::Type>(type);
}

void read_trainer_spec(Message spec, const std::string& subject, SentencePieceModel& model) {
  while (spec.next()) {
    if (spec.number() == kByteFallback) model.byte_fallback = spec.value() != 0;
    if (spec.number() == kTreatWhitespaceAsSuffix && spec.value() != 0)
      refuse_member(subject, "treat_whitespace_as_suffix", "true", "false");
    if (spec.number() != kModelType) continue;
    if (spec.value() != 1 && spec.value() != 2)
      refuse_member(subject, "model_type", fmt::format("{}", spec.value()), "1 (unigram) or 2 (BPE)");
    model.bpe = spec.value() == 2;
  }
}

void read_normalizer_spec(Message spec, const std::string& subject, SentencePieceModel& model) {
  while (spec.next()) {
    if (spec.number() == kCharsmap) model.rules = spec.text();
    if (spec.number() == kAddDummyPrefix) model.add_dummy_prefix = spec.value() != 0;
    if (spec.number() == kRemoveExtraWhitespaces) model.remove_extra_whitespaces = spec.value() != 0;
    if (spec.number() == kEscapeWhitespaces && spec.value() == 0)
      refuse_member(subject, "escape_whitespaces", "false", "true");
  }
}

void read_settings(std::string_view bytes, const std::string& subject, SentencePieceModel& model) {
  for (Message message(bytes, subject); message.next();) {
    const Message part(message.text(), subject);
    if (message.number() == kPieces) model.pieces.push_back({.type = read_type(part, subject)});
    if (message.number() == kTrainerSpec) read_trainer_spec(part, subject, model);
    if (message.number() == kNormalizerSpec) read_normalizer_spec(part, subject, model);
    // The library would run it, with rules that nobody has checked.
    if (message.number() == kSelfTest)
      refuse_member(subject, "self_test_data", "texts to be segmented on loading", "a model without");
  }
}

void check_piece(const SentencePiece& piece, bool bpe, const std::string& item, const std::string& subject) {
  if (!std::isfinite(piece.score) || find_invalid_utf8(piece.text) != std::string::npos)
    reject_model(subject, item, fmt::format("\"{}\" with score {}", printable(piece.text), piece.score));
  if (bpe && piece.type == SentencePiece::Type::kUnused)
    refuse_member(subject, item, fmt::format("\"{}\", an unused one", piece.text), "BPE without such pieces");
  if (piece.type == SentencePiece::Type::kUserDefined && piece.text.find(' ') != std::string::npos)
    refuse_member(subject, item, fmt::format("\"{}\", user-defined", piece.text),
                  "such pieces without spaces");
}

// Of some models the library says that they are wrong, at others it throws.
void load(std::string_view bytes, const std::string& subject,
          sentencepiece::SentencePieceProcessor& processor) {
  std::string wrong;
  try {
    const auto status = processor.LoadFromSerializedProto({bytes.data(), bytes.size()});
    if (!status.ok()) wrong = status.ToString();
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) reject_model(subject, "", printable(wrong));
}

}  // namespace

SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& subject) {
  SentencePieceModel model;
  read_settings(bytes, subject, model);
  sentencepiece::SentencePieceProcessor processor;
  load(bytes, subject, processor);
  const int size = processor.GetPieceSize();
  if (size == 0 || static_cast<std::size_t>(size) != model.pieces.size())
    reject_model(subject, "", fmt::format("{} pieces of {}", size, model.pieces.size()));
  for (int id = 0; id < size; ++id) {
    SentencePiece& piece = model.pieces[static_cast<std::size_t>(id)];
    piece.text = processor.IdToPiece(id);
    piece.score = processor.GetScore(id);
    check_piece(piece, model.bpe, fmt::format("piece {}", id), subject);
  }
  model.unknown = processor.unk_id();
  if (model.unknown < 0 || model.unknown >= size) reject_model(subject, "", "no unknown piece");
  return model;
}

}  // namespace linformer
