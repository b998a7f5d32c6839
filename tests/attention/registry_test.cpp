// SPDX-License-Identifier: MIT
#include <algorithm>

#include "attention/mechanism.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

TEST_CASE("every registered mechanism can be made, and its canonical form makes it again") {
  const std::vector<std::string> names = mechanism_names();
  CHECK(std::find(names.begin(), names.end(), "standard") != names.end());
  for (const std::string& name : names) {
    INFO(name);
    const auto mechanism = make_mechanism(name);
    REQUIRE(mechanism);
    CHECK(mechanism->canonical().starts_with(name));
    CHECK(make_mechanism(mechanism->canonical())->canonical() == mechanism->canonical());
  }
}

TEST_CASE("an unknown mechanism is a usage error that lists the known names") {
  for (const char* name : {"", "standart", "Standard", "standard ", "standard:x=1", "standard:"}) {
    INFO(name);
    const auto error = error_of([&] { make_mechanism(name); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(error->detail().found == std::string("'").append(name).append("'"));
    for (const std::string& known : mechanism_names()) CHECK(contains(error->detail().expected, known));
  }
}

TEST_CASE("standard attention is exact, can be causal, and has a P but no parameters") {
  const auto standard = make_mechanism("standard");
  CHECK(standard->canonical() == "standard");
  CHECK(standard->traits().fidelity == Fidelity::kExact);
  CHECK(standard->traits().causal);
  CHECK(standard->traits().probabilities);
  CHECK_FALSE(standard->traits().random);
  CHECK(standard->parameters({.batch = 1, .heads = 2, .queries = 3, .keys = 3, .head_size = 4}).empty());
}

TEST_CASE("standard attention takes 4 n^2 d h b operations, half where causal") {
  const auto standard = make_mechanism("standard");
  AttentionShape shape{
      .batch = 3, .heads = 12, .queries = 512, .keys = 512, .head_size = 64, .value_size = 64};
  CHECK(standard->flops(shape) == 4.0 * 512 * 512 * 64 * 12 * 3);
  shape.causal = true;
  CHECK(standard->flops(shape) == 2.0 * 512 * 512 * 64 * 12 * 3);
}

TEST_CASE("operations of causal attention are those of what its queries see, a diagonal counting half") {
  const auto flash = make_mechanism("flash");
  AttentionShape s{.batch = 1, .heads = 1, .queries = 2, .keys = 100, .head_size = 1, .value_size = 0};
  s.causal = true, s.past = 98;
  CHECK(flash->flops(s) == 2.0 * (2 * 98 + 2));
  s.past = 0;
  CHECK(flash->flops(s) == 2.0 * 2);
  s.queries = 150;  // the last 50 see all
  CHECK(flash->flops(s) == 2.0 * (100 * 50 + 50 * 100));
  s.past = 200;
  CHECK(flash->flops(s) == 2.0 * 150 * 100);
}

TEST_CASE("operations of other shapes are those of the two products") {
  const auto standard = make_mechanism("standard");
  CHECK(
      standard->flops({.batch = 1, .heads = 2, .queries = 3, .keys = 5, .head_size = 7, .value_size = 11}) ==
      2.0 * 2 * 3 * 5 * 7 + 2.0 * 2 * 3 * 5 * 11);
  CHECK(standard->flops({.batch = 1, .heads = 2, .queries = 3, .keys = 5, .head_size = 7}) ==
        2.0 * 2 * 3 * 5 * 7);
  // Beyond 32 bits.
  CHECK(standard->flops({.batch = 64,
                         .heads = 16,
                         .queries = 1 << 16,
                         .keys = 1 << 16,
                         .head_size = 128,
                         .value_size = 128}) == 4.0 * 128 * 16 * 64 * 0x1p32);
}

}  // namespace
}  // namespace linformer
