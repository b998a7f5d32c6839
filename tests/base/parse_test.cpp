// SPDX-License-Identifier: MIT
#include "base/parse.h"

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using List = std::vector<int64_t>;

List list(std::string_view text) { return parse_list(text, "--layers"); }

constexpr int kUsage = static_cast<int>(ErrorCode::kUsage);

TEST_CASE("lists are numbers separated by commas, in the order given") {
  CHECK(list("3") == List{3});
  CHECK(list("1,4,9") == List{1, 4, 9});
  CHECK(list("9,1,1") == List{9, 1, 1});
  CHECK(list("0") == List{0});
}

TEST_CASE("ranges include both ends") {
  CHECK(list("0..5") == List{0, 1, 2, 3, 4, 5});
  CHECK(list("4..4") == List{4});
  CHECK(list("2-4") == List{2, 3, 4});
}

TEST_CASE("ranges with a step stop at the last value that is not beyond the end") {
  CHECK(list("0..100+25") == List{0, 25, 50, 75, 100});
  CHECK(list("0..99+25") == List{0, 25, 50, 75});
  CHECK(list("512..8192*2") == List{512, 1024, 2048, 4096, 8192});
  CHECK(list("512..8191*2") == List{512, 1024, 2048, 4096});
  CHECK(list("1..100*10") == List{1, 10, 100});
  CHECK(list("10-20+5") == List{10, 15, 20});
}

TEST_CASE("lists mix numbers and ranges") {
  CHECK(list("7,0..2,64..256*2,10-11") == List{7, 0, 1, 2, 64, 128, 256, 10, 11});
}

TEST_CASE("ranges end where numbers end") {
  CHECK(list("9223372036854775806..9223372036854775807") == List{9223372036854775806, 9223372036854775807});
  CHECK(list("4611686018427387904..9223372036854775807*4") == List{4611686018427387904});
}

TEST_CASE("what is no list is refused with the option and the text") {
  for (const char* text : {"",
                           ",",
                           "1,",
                           ",1",
                           "1,,2",
                           "x",
                           "1x",
                           "1 ",
                           " 1",
                           "1..",
                           "..5",
                           "1-",
                           "5..1",
                           "1..5+0",
                           "1..5+-1",
                           "1..5*1",
                           "1..5*0",
                           "0..5*2",
                           "1..5+",
                           "1..5*",
                           "1...5",
                           "1..2..3",
                           "1.5",
                           "1..5+2*2",
                           "0x10",
                           "1e3",
                           "9223372036854775808",
                           "1..9223372036854775808",
                           "+1"}) {
    INFO(text);
    const auto error = error_of([&] { list(text); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(error->detail().subject == "--layers");
    CHECK(contains(error->detail().expected, "0..5"));
  }
  CHECK(contains(message_of([] { list("1,abc"); }), "'abc'"));
  for (const std::string text : {"-1", "..2", "0..x", "1..5+", "0..5*"}) {
    CHECK(contains(message_of([&] { list("7," + text); }), "'" + text + "'"));
  }
}

TEST_CASE("a list of more than a million values is refused before it fills the memory") {
  CHECK(list("1..1000000").size() == 1000000);
  CHECK(code_of([] { list("0..1000000"); }) == kUsage);
  CHECK(code_of([] { list("0..9223372036854775807"); }) == kUsage);
  CHECK(code_of([] { list("1..600000,1..600000"); }) == kUsage);
}

TEST_CASE("sizes in bytes, powers of 1000 and powers of 1024") {
  const auto bytes = [](std::string_view text) { return parse_bytes(text, "--memory"); };
  CHECK(bytes("4096") == 4096);
  CHECK(bytes("4096B") == 4096);
  CHECK(bytes("2K") == 2000);
  CHECK(bytes("2kB") == 2000);
  CHECK(bytes("2KiB") == 2048);
  CHECK(bytes("200M") == 200000000);
  CHECK(bytes("16GB") == 16000000000);
  CHECK(bytes("1.5GiB") == 1610612736);
  CHECK(bytes("1Gi") == 1073741824);
  CHECK(bytes("2TiB") == int64_t{2} << 40);
  CHECK(bytes("1g") == 1000000000);
}

TEST_CASE("what is no size is refused with the option") {
  for (const char* text : {"", "B", "GB", "0", "-1", "1 GB", "1X", "1GBB", "1Bi", "1iB", "1.2.3", "nan",
                           "inf", "1KiBs", "9999999999GB", "0.1", "1e9", "16,5GB"}) {
    INFO(text);
    const auto error = error_of([&] { parse_bytes(text, "--memory"); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(error->detail().subject == "--memory");
  }
}

TEST_CASE("shares are percentages above 0 and up to 100") {
  const auto share = [](std::string_view text) { return parse_share(text, "--recheck"); };
  CHECK(share("25%") == 0.25);
  CHECK(share("100%") == 1);
  CHECK(share("0.5%") == 0.005);
  for (const char* text :
       {"", "%", "0", "0%", "-1%", "1", "0.25", "101%", "25", "x", "25%%", "25 %", "nan", "inf", "nan%"}) {
    INFO(text);
    CHECK(code_of([&] { share(text); }) == kUsage);
  }
}

}  // namespace
}  // namespace linformer
