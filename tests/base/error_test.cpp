// SPDX-License-Identifier: MIT
#include "base/error.h"

#include "catch.h"

namespace linformer {
namespace {

std::string message(const ErrorDetail& detail) { return Error(ErrorCode::kInput, detail).what(); }

TEST_CASE("a message has subject, item, found, expected and remedy in this order") {
  CHECK(message({.subject = "m.safetensors",
                 .item = "layers.0.q",
                 .found = "[2, 3]",
                 .expected = "[3, 2]",
                 .remedy = "Transpose it"}) ==
        "m.safetensors: layers.0.q: [2, 3]; expected [3, 2]. Transpose it");
}

TEST_CASE("parts of a message that are left out leave no separators behind") {
  CHECK(message({}).empty());
  CHECK(message({.subject = "--length"}) == "--length");
  CHECK(message({.item = "line 3"}) == "line 3");
  CHECK(message({.found = "nothing"}) == "nothing");
  CHECK(message({.expected = "a number"}) == "expected a number");
  CHECK(message({.remedy = "Try again"}) == "Try again");
  CHECK(message({.subject = "--length", .found = "'x'", .expected = "a number"}) ==
        "--length: 'x'; expected a number");
  CHECK(message({.subject = "a.txt", .remedy = "Give another"}) == "a.txt. Give another");
  CHECK(message({.item = "row 1", .expected = "sum 1"}) == "row 1; expected sum 1");
  CHECK(message({.subject = "a", .item = "b"}) == "a: b");
}

TEST_CASE("braces in a message are text") {
  CHECK(message({.subject = "{}", .found = "{0}", .expected = "{x"}) == "{}: {0}; expected {x");
}

TEST_CASE("an error keeps its code and its parts") {
  const Error error(ErrorCode::kMemory, {.subject = "--memory", .found = "3", .expected = "2"});
  CHECK(error.code() == ErrorCode::kMemory);
  CHECK(error.detail().subject == "--memory");
  CHECK(error.detail().item.empty());
  CHECK(error.detail().found == "3");
  CHECK(error.detail().expected == "2");
}

TEST_CASE("the codes are the exit codes that the design fixes") {
  CHECK(static_cast<int>(ErrorCode::kUsage) == 2);
  CHECK(static_cast<int>(ErrorCode::kInput) == 3);
  CHECK(static_cast<int>(ErrorCode::kUnsupported) == 4);
  CHECK(static_cast<int>(ErrorCode::kMemory) == 5);
  CHECK(static_cast<int>(ErrorCode::kWrite) == 6);
  CHECK(static_cast<int>(ErrorCode::kInternal) == 7);
}

}  // namespace
}  // namespace linformer
