// SPDX-License-Identifier: MIT
#include "io/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace linformer {
namespace {

constexpr size_t kChunk = size_t{3} << 20;  // bytes that libcrypto, which counts in int, is given at a time

const unsigned char* as_unsigned(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

}  // namespace

std::string base64(std::span<const uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4 + 1);
  while (!bytes.empty()) {
    const std::span<const uint8_t> chunk = bytes.first(std::min(kChunk, bytes.size()));
    const size_t at = text.size();
    text.resize(at + (chunk.size() + 2) / 3 * 4 + 1);  // libcrypto ends with a zero
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + at), chunk.data(),
                    static_cast<int>(chunk.size()));
    text.pop_back();
    bytes = bytes.subspan(chunk.size());
  }
  return text;
}

std::optional<std::vector<uint8_t>> from_base64(std::string_view text) {
  const auto padding = std::ranges::count(text, '=');
  if (text.size() % 4 != 0 || padding > 2) return std::nullopt;
  std::vector<uint8_t> bytes(text.size() / 4 * 3);
  constexpr size_t kLetters = kChunk / 3 * 4;
  for (size_t at = 0; at < text.size(); at += kLetters) {
    const std::string_view chunk = text.substr(at, kLetters);
    const int written =
        EVP_DecodeBlock(bytes.data() + at / 4 * 3, as_unsigned(chunk.data()), static_cast<int>(chunk.size()));
    if (written < 0) return std::nullopt;
  }
  bytes.resize(bytes.size() - static_cast<size_t>(padding));
  // libcrypto passes over blanks at the ends, and over bits that no byte is left for.
  if (base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace linformer
