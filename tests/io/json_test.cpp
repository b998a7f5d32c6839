// SPDX-License-Identifier: MIT
#include "io/json.h"

#include <clocale>
#include <limits>

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using nlohmann::json;

std::string refusal(std::string_view text) {
  return message_of([&] { parse_json(text, "config.json"); });
}

TEST_CASE("strict JSON gives the values of every type") {
  const json value =
      parse_json(R"( {"a": [1, -2, 2.5, 1e3], "b": {"c": null, "d": true}, "é": "\u00e9\n"} )", "f");
  CHECK(value["a"] == json::array({1, -2, 2.5, 1000.0}));
  CHECK(value["b"]["c"].is_null());
  CHECK(value["b"]["d"] == true);
  CHECK(value["é"] == "é\n");
  CHECK(parse_json("7", "f") == 7);
  CHECK(parse_json("[]", "f").empty());
  CHECK(parse_json("18446744073709551615", "f").get<uint64_t>() == std::numeric_limits<uint64_t>::max());
}

TEST_CASE("JSON agrees with nlohmann's own parser on an ordinary document") {
  const std::string text =
      R"({"x": {"y": [[], {}, [1, [2, {"z": "w"}]]], "k": -0.125}, "empty": "", "big": 9007199254740993})";
  CHECK(parse_json(text, "f") == json::parse(text));
}

TEST_CASE("duplicate keys are refused at any level, with key and byte") {
  CHECK(contains(refusal(R"({"a": 1, "a": 2})"), "a: key occurs twice at byte"));
  CHECK(contains(refusal(R"([{"b": {"c": 1, "c": 1}}])"), "config.json: c: key occurs twice"));
  CHECK(contains(refusal(R"({"a": 1, "\u0061": 2})"), "key occurs twice"));
  CHECK(refusal(R"([{"a": 1}, {"a": 2}])").empty());
}

TEST_CASE("64 levels are read and 65 are refused") {
  CHECK(refusal(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(contains(refusal(std::string(65, '[') + std::string(65, ']')), "more than 64 levels at byte 65"));
}

TEST_CASE("a hundred million brackets fail early") {
  const std::string brackets(100'000'000, '[');
  CHECK(contains(refusal(brackets), "more than 64 levels at byte 65"));
}

TEST_CASE("malformed JSON is bad input with the byte where it breaks") {
  CHECK(contains(refusal(""), "not valid JSON at byte"));
  CHECK(contains(refusal("[1, 2"), "not valid JSON at byte 6"));
  CHECK(contains(refusal("{} x"), "not valid JSON at byte 4"));
  for (const char* text : {"[1,]", "{'a': 1}", "[NaN]", "[Infinity]", "01", "[1] // x", "{\"a\" 1}", "nul",
                           "[1e999]", "\"\\ud800\"", "\"\t\""}) {
    CAPTURE(text);
    CHECK(code_of([&] { parse_json(text, "f"); }) == 3);
  }
}

TEST_CASE("text that is not UTF-8 and NUL bytes are refused") {
  CHECK(contains(refusal("[\"\xff\"]"), "UTF-8"));
  CHECK(!refusal("\"\xc0\x80\"").empty());      // overlong
  CHECK(!refusal("\"\xed\xa0\x80\"").empty());  // surrogate
  CHECK(contains(refusal(std::string_view("{}\0{}", 5)), "NUL byte at byte 2"));
}

TEST_CASE("a message never carries bytes that a terminal would obey") {
  for (const char c : refusal("[\"\x1b[31m\x9b\xff\"]")) CHECK((c >= ' ' && c <= '~'));
  for (const char c : refusal("{\"\\u001b[31m\": 1, \"\\u001b[31m\": 1}")) CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("typed members are read, and defaults stand in for missing and null ones") {
  const json config = parse_json(R"({"n": 12, "x": 0.5, "b": true, "s": "gelu", "none": null})", "f");
  CHECK(json_int(config, "n", "f") == 12);
  CHECK(json_double(config, "x", "f") == 0.5);
  CHECK(json_double(config, "n", "f") == 12.0);
  CHECK(json_bool(config, "b", "f"));
  CHECK(json_string(config, "s", "f") == "gelu");
  CHECK(json_int(config, "m", "f", 7) == 7);
  CHECK(json_int(config, "none", "f", 7) == 7);
  CHECK(json_double(config, "none", "f", 1.5) == 1.5);
  CHECK_FALSE(json_bool(config, "none", "f", false));
  CHECK(json_string(config, "none", "f", "relu") == "relu");
  CHECK(json_string(config, "s", "f", "relu") == "gelu");
}

TEST_CASE("a member that is missing or of another type is named with its file") {
  const json config = parse_json(R"({"n": "12", "f": 1.0, "none": null, "huge": 18446744073709551615})", "f");
  CHECK(contains(message_of([&] { json_int(config, "layers", "config.json"); }),
                 "config.json: layers: missing"));
  CHECK(contains(message_of([&] { json_int(config, "n", "f"); }), "n: \"12\"; expected an integer"));
  CHECK(code_of([&] { json_int(config, "n", "f", 3); }) == 3);
  CHECK(code_of([&] { json_int(config, "f", "f"); }) == 3);
  CHECK(code_of([&] { json_int(config, "none", "f"); }) == 3);
  CHECK(code_of([&] { json_int(config, "huge", "f"); }) == 3);
  CHECK(code_of([&] { json_bool(config, "f", "f"); }) == 3);
  CHECK(code_of([&] { json_string(config, "f", "f"); }) == 3);
  CHECK(code_of([&] { json_double(config, "n", "f"); }) == 3);
  CHECK(code_of([&] { json_int(json::array(), "n", "f", 3); }) == 3);
}

TEST_CASE("dumped JSON is stable, in order, and reads back") {
  nlohmann::ordered_json value;
  value["b"] = 0.1;
  value["a"] = {1, 2};
  CHECK(dump_json(value) == "{\n  \"b\": 0.1,\n  \"a\": [\n    1,\n    2\n  ]\n}\n");
  CHECK(parse_json(dump_json(value), "f") == json(value));
  CHECK(dump_json("\xff") == "\"\xef\xbf\xbd\"\n");
}

TEST_CASE("a number that is not finite is an internal error with its key") {
  nlohmann::ordered_json value;
  value["results"] = {{"x", {1.0, std::numeric_limits<double>::quiet_NaN()}}};
  const auto error = error_of([&] { dump_json(value); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInternal);
  CHECK(contains(error->what(), "report/results/x/1"));
}

TEST_CASE("JSON does not depend on the locale") {
  const char* set = nullptr;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"}) {
    if (set == nullptr) set = std::setlocale(LC_ALL, name);
  }
  CHECK(parse_json("[0.5]", "f")[0] == 0.5);
  CHECK(dump_json(0.5) == "0.5\n");
  std::setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace linformer
