// SPDX-License-Identifier: MIT
#include "bench/sweep.h"

#include <string>
#include <vector>

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using Names = std::vector<std::string>;

SweepOptions small() {
  return {.mechanisms = {"flash", "standard"},
          .lengths = {32, 16},
          .heads = {2},
          .head_sizes = {8},
          .batches = {1}};
}

}  // namespace

TEST_CASE("A linformer without k and a nystrom without landmarks become one for each k, others stay") {
  const auto expand = [](const char* list) { return expand_mechanisms(list, {4, 8, 4}, "--mechanisms"); };
  CHECK(expand("flash;linformer") ==
        Names{"flash", "linformer:k=4,sharing=layerwise", "linformer:k=8,sharing=layerwise"});
  CHECK(expand("linformer:sharing=none") ==
        Names{"linformer:k=4,sharing=none", "linformer:k=8,sharing=none"});
  CHECK(expand("nystrom:inverse=exact") ==
        Names{"nystrom:landmarks=4,inverse=exact", "nystrom:landmarks=8,inverse=exact"});
  CHECK(expand("nystrom:landmarks=3") == Names{"nystrom:landmarks=3"});
  CHECK(expand("linformer:k=3") == Names{"linformer:k=3,sharing=layerwise"});
  for (const char* list : {"", ";", "flash;", ";flash", "flash;;standard", "flush"}) {
    CHECK(code_of([&] { expand(list); }) == 2);
  }
}

TEST_CASE("A mechanism that is named twice, in whatever words, is refused by name") {
  for (const char* list : {"flash;standard;flash", "linformer;linformer:sharing=layerwise,k=8"}) {
    const std::string message = message_of([&] { expand_mechanisms(list, {4, 8}, "--reference"); });
    CHECK(contains(message, "--reference"));
    CHECK(contains(message, "twice"));
  }
}

TEST_CASE("A sweep is the cross product by shape from short to long, each cell once") {
  SweepOptions options = small();
  options.mechanisms.push_back("flash");
  options.lengths.push_back(16);
  const std::vector<BenchCell> cells = sweep(options);
  REQUIRE(cells.size() == 4);
  CHECK(cells[0].length == 16);
  CHECK(cells[0].mechanism == "flash");
  CHECK(cells[1].mechanism == "standard");
  CHECK(same_shape(cells[0], cells[1]));
  CHECK(cells[2].length == 32);
  CHECK_FALSE(same_shape(cells[1], cells[2]));
}

TEST_CASE("Numbers of queries are swept within a length, as the last of its positions") {
  SweepOptions options = small();
  options.queries = {1, 5, 1}, options.causal = true;
  const std::vector<BenchCell> cells = sweep(options);
  REQUIRE(cells.size() == 8);
  CHECK(cells[0].queries == 1);
  CHECK(cells[2].queries == 5);
  CHECK_FALSE(same_shape(cells[1], cells[2]));
  CHECK(shape_of(cells[2]).queries == 5);
  CHECK(shape_of(cells[2]).keys == 16);
  CHECK(shape_of(cells[2]).past == 11);
  CHECK(contains(name_of(cells[2]), "(n = 16, 5 queries, b = 1"));
  CHECK(contains(name_of(cells[0]), "1 query,"));
  BenchCell all = cells[0];
  all.queries = 0;
  CHECK(shape_of(all).queries == 16);
  CHECK(shape_of(all).past == 0);
}

TEST_CASE("A number of tokens makes batches of whole sequences, at least one") {
  SweepOptions options = small();
  options.tokens = 40;
  options.lengths = {16, 20, 64};
  std::vector<int64_t> batches;
  for (const BenchCell& cell : sweep(options)) batches.push_back(cell.batch);
  CHECK(batches == std::vector<int64_t>{2, 2, 2, 2, 1, 1});
}

TEST_CASE("Names that are no mechanism and sizes beyond counting are refused") {
  SweepOptions options = small();
  options.mechanisms = {"flush"};
  CHECK(code_of([&] { sweep(options); }) == 2);
  options = small();
  options.lengths = {int64_t{1} << 40};
  CHECK(code_of([&] { sweep(options); }) == 2);
  options = small();
  options.lengths = {1'000'000}, options.heads = {200'000};
  options.mechanisms = {"linformer:k=2147483648,sharing=none"};
  CHECK(code_of([&] { sweep(options); }) == 2);
}

}  // namespace linformer
