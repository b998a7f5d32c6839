// SPDX-License-Identifier: MIT
// SentencePiece model files made by hand (sentencepiece_model.proto).
#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace linformer::test {

inline std::string varint(std::size_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>((value & 0x7F) | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

inline std::string number_field(std::size_t field, std::size_t value) {
  return varint(field << 3) + varint(value);
}

inline std::string bytes_field(std::size_t field, std::string_view bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

/// Types: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
inline std::string piece_bytes(std::string_view text, float score = 0, std::size_t type = 1) {
  std::string number(sizeof score, '\0');
  std::memcpy(number.data(), &score, sizeof score);
  return bytes_field(1, bytes_field(1, text) + varint(2 << 3 | 5) + number + number_field(3, type));
}

inline std::string trainer_bytes(std::size_t field, std::size_t value) {
  return bytes_field(2, number_field(field, value));
}

inline std::string normalizer_bytes(std::size_t field, std::size_t value) {
  return bytes_field(3, number_field(field, value));
}

/// A BPE of these pieces after <unk>, <s> and </s>.
inline std::string bpe_bytes(std::string_view pieces) {
  return piece_bytes("<unk>", 0, 2) + piece_bytes("<s>", 0, 3) + piece_bytes("</s>", 0, 3) +
         std::string(pieces) + trainer_bytes(3, 2);
}

}  // namespace linformer::test
