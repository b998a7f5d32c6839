// SPDX-License-Identifier: MIT
#include "bench/warnings.h"

#include <algorithm>
#include <string>
#include <vector>

#include "bench/sweep.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

std::vector<BenchCell> of_tokens(int64_t tokens, std::vector<int> threads) {
  return sweep({.mechanisms = {"flash", "standard"},
                .lengths = {16, 20},
                .heads = {2},
                .head_sizes = {8},
                .batches = {1},
                .tokens = tokens,
                .threads = std::move(threads)});
}

int64_t count(const std::vector<Warning>& warnings, const std::string& kind) {
  return std::ranges::count(warnings, kind, &Warning::kind);
}

}  // namespace

TEST_CASE("Batches that are not the tokens asked for are told, once a length") {
  const std::vector<Warning> warnings = warnings_of_plan(of_tokens(40, {1, 2}), 2);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].kind == "tokens");
  CHECK(warnings[0].text == "at n = 16 2 whole sequences make 32 tokens, not 40");
  CHECK(warnings_of_plan(of_tokens(80, {1}), 1).empty());
  CHECK(contains(warnings_of_plan(of_tokens(10, {1}), 1)[0].text, "1 whole sequence makes 16 tokens"));
  CHECK(warnings_of_plan(of_tokens(0, {1}), 1).empty());
}

TEST_CASE("More threads than cores are told, where the cores are known") {
  CHECK(count(warnings_of_plan(of_tokens(80, {1, 3}), 2), "threads") == 1);
  CHECK(contains(warnings_of_plan(of_tokens(80, {2}), 1)[0].text, "2 threads on 1 core:"));
  CHECK(warnings_of_plan(of_tokens(80, {1, 3}), 3).empty());
  CHECK(warnings_of_plan(of_tokens(80, {1, 3}), 0).empty());
}

TEST_CASE("Load, and threads that may move, are told of the machine") {
  const std::vector<BenchCell> cells = of_tokens(80, {1, 2});
  MachineFacts machine;
  CHECK(warnings_of_machine(cells, machine, false).empty());
  machine.load_average = {0.25, 3, 3}, machine.affinity_cpus = 2;
  CHECK(warnings_of_machine(cells, machine, false).empty());
  machine.load_average[0] = 1.25, machine.affinity_cpus = 3;
  const std::vector<Warning> warnings = warnings_of_machine(cells, machine, false);
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].kind == "load");
  CHECK(contains(warnings[0].text, "1.2"));
  CHECK(warnings[1].kind == "unpinned");
  CHECK(contains(warnings[1].text, "2 threads may move among 3 CPUs"));
  CHECK(warnings_of_machine(cells, machine, true).size() == 1);
}

TEST_CASE("Drift of the clock, wide intervals and memory that was not announced are told of a run") {
  BenchResult result;
  result.peaks = {{.threads = 1, .gflops = 10, .drift = 0.95}, {.threads = 2, .gflops = 20, .drift = 0.5}};
  CellResult steady;
  steady.state = CellState::kMeasured;
  steady.median_ns = 100, steady.interval_ns = Interval{98, 103};
  CellResult shaky = steady;
  shaky.interval_ns = Interval{90, 120}, shaky.extra_bytes = 4096;
  result.cells = {steady, shaky};
  const std::vector<Warning> warnings = warnings_of_run(result);
  CHECK(count(warnings, "drift") == 1);
  CHECK(count(warnings, "spread") == 1);
  CHECK(count(warnings, "memory") == 1);
  result.cells = {steady}, result.peaks.pop_back();
  CHECK(count(warnings_of_run(result), "spread") + count(warnings_of_run(result), "drift") == 0);
}

}  // namespace linformer
