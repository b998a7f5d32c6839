// SPDX-License-Identifier: MIT
#include "report/numbers.h"

#include <limits>
#include <locale>

#include "catch.h"

using namespace linformer;

namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

// Writes 1234,5 as 1.234,5 while it lives.
class CommaLocale {
 public:
  CommaLocale() : before_(std::locale::global(std::locale(std::locale(), new Comma))) {}
  ~CommaLocale() { std::locale::global(before_); }

 private:
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  std::locale before_;
};

}  // namespace

TEST_CASE("a number is written with the fewest digits that read back the same") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(512) == "512");
  CHECK(shortest(0.1 + 0.2) == "0.30000000000000004");
  CHECK(shortest(1e-9) == "1e-09");
  CHECK(shortest(kNaN).empty());
  CHECK(shortest(-kInfinity).empty());
}

TEST_CASE("numbers in tables have fixed decimals and a sign where it matters") {
  CHECK(fixed(0.9316, 3) == "0.932");
  CHECK(fixed(kNaN, 3) == "?");
  CHECK(signed_fixed(0.05, 2) == "+0.05");
  CHECK(signed_fixed(-0.05, 2) == "-0.05");
}

TEST_CASE("numbers do not follow the locale") {
  const CommaLocale locale;
  CHECK(shortest(1234.5) == "1234.5");
  CHECK(fixed(1234.5, 2) == "1234.50");
  CHECK(signed_fixed(1234.5, 1) == "+1234.5");
}

TEST_CASE("a number that does not exist is null and has a reason beside it") {
  nlohmann::ordered_json object;
  set_number(object, "a", 0.5);
  set_number(object, "b", kInfinity);
  set_number(object, "c", std::nullopt, "none was made");
  set_number(object, "d", std::optional(2.0), "none was made");
  set_interval(object, "e", Interval{1, kNaN}, "too few");
  set_interval(object, "f", std::nullopt, "too few");
  set_interval(object, "g", Interval{1, 2}, "too few");
  set_text(object, "h", "", "not used");
  CHECK(object.dump() ==
        R"({"a":0.5,"b":null,"b_reason":"not a finite number","c":null,"c_reason":"none was made","d":2.0,)"
        R"("e":null,"e_reason":"not a finite number","f":null,"f_reason":"too few","g":[1.0,2.0],)"
        R"("h":null,"h_reason":"not used"})");
}
