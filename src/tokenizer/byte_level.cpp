// SPDX-License-Identifier: MIT
#include "tokenizer/byte_level.h"

#include <fmt/format.h>

#include <cstddef>
#include <unordered_map>

#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr std::array<char32_t, 256> make_chars() {
  std::array<char32_t, 256> chars{};
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) chars[byte] = stands_for_itself(byte) ? byte : next++;
  return chars;
}

constexpr std::array<char32_t, 256> kChars = make_chars();
constexpr std::size_t kCodes = 0x100 + 68;

constexpr std::array<int, kCodes> make_bytes() {
  std::array<int, kCodes> bytes{};
  for (int& byte : bytes) byte = -1;
  for (int byte = 0; byte < 256; ++byte) bytes[kChars[static_cast<std::size_t>(byte)]] = byte;
  return bytes;
}

constexpr std::array<int, kCodes> kBytes = make_bytes();

}  // namespace

char32_t byte_level_char(unsigned char byte) { return kChars[byte]; }

std::optional<std::string> byte_level_bytes(std::string_view token) {
  std::string bytes;
  for (std::size_t i = 0; i < token.size();) {
    const DecodedChar next = decode_utf8(token, i);
    if (!next.valid || next.code >= kCodes || kBytes[next.code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[next.code]));
    i += next.length;
  }
  return bytes;
}

ByteTokens find_byte_tokens(const std::vector<std::string>& tokens) {
  ByteTokens bytes;
  bytes.fill(-1);
  std::unordered_map<std::string, std::size_t> names;
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) names[fmt::format("<0x{:02X}>", byte)] = byte;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const auto found = names.find(tokens[id]);
    if (found != names.end()) bytes[found->second] = static_cast<int32_t>(id);
  }
  return bytes;
}

}  // namespace linformer
