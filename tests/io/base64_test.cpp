// SPDX-License-Identifier: MIT
#include "io/base64.h"

#include <numeric>

#include "catch.h"

namespace linformer {
namespace {

std::vector<uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("Base64 gives the examples of RFC 4648 and reads them back") {
  for (const auto& [text, coded] :
       {std::pair("", ""), std::pair("f", "Zg=="), std::pair("fo", "Zm8="), std::pair("foo", "Zm9v"),
        std::pair("foob", "Zm9vYg=="), std::pair("fooba", "Zm9vYmE="), std::pair("foobar", "Zm9vYmFy")}) {
    CHECK(base64(bytes_of(text)) == coded);
    CHECK(from_base64(coded) == bytes_of(text));
  }
}

TEST_CASE("Base64 keeps all bytes, also of more than is coded at a time") {
  std::vector<uint8_t> bytes((size_t{3} << 20) + 5);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  const std::string text = base64(bytes);
  CHECK(text.size() == (bytes.size() + 2) / 3 * 4);
  CHECK(from_base64(text) == bytes);
}

TEST_CASE("What is not base64 is not read") {
  for (const char* text :
       {"Z", "Zg=", "Zg", "Zm9v\n", " Zm9v  ", "Zm9v====", "====", "Zh==", "Zm-_", "Zg==Zg=="})
    CHECK_FALSE(from_base64(text).has_value());
}

}  // namespace linformer
