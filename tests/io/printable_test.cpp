// SPDX-License-Identifier: MIT
#include "io/printable.h"

#include "catch.h"

namespace linformer {
namespace {

TEST_CASE("printable text keeps ASCII and shows the rest as bytes") {
  CHECK(printable("bert.encoder.0 ~") == "bert.encoder.0 ~");
  CHECK(printable("a\x1b[0m\n\x7f\xff") == "a\\x1b[0m\\x0a\\x7f\\xff");
  CHECK(printable("").empty());
}

TEST_CASE("printable text is cut after 100 bytes") {
  CHECK(printable(std::string(100, 'a')) == std::string(100, 'a'));
  CHECK(printable(std::string(101, 'a')) == std::string(100, 'a') + "...");
}

}  // namespace
}  // namespace linformer
