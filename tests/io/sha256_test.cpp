// SPDX-License-Identifier: MIT
#include "io/sha256.h"

#include "catch.h"

namespace linformer {
namespace {

std::string digest(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.hex_digest();
}

TEST_CASE("SHA-256 gives the examples of FIPS 180") {
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("SHA-256 does not depend on how the text is cut") {
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update(std::as_bytes(std::span(std::string_view("bc"))));
  CHECK(hash.hex_digest() == digest("abc"));
}

TEST_CASE("parts do not run into one another") {
  const auto parts = [](std::string_view a, std::string_view b) {
    Sha256 hash;
    hash.update_part(a);
    hash.update_part(b);
    return hash.hex_digest();
  };
  CHECK(parts("ab", "c") != parts("a", "bc"));
  CHECK(parts("ab", "c") == parts("ab", "c"));
}

}  // namespace
}  // namespace linformer
