// SPDX-License-Identifier: MIT
#include "spectrum/attention_maps.h"

#include <cmath>

#include "catch.h"
#include "io/error_of.h"
#include "made_source.h"

namespace linformer {
namespace {

using testing::fill;
using testing::MadeSource;
using testing::Matrix;

AttentionMaps maps_of(AttentionSource& source, int64_t sequence, std::vector<int64_t> layers,
                      std::vector<int64_t> heads, int threads = 2) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = threads};
  return attention_maps(source, sequence, layers, heads, run);
}

double value_of(const AttentionMap& map, size_t block) {
  const int level = map.levels[block];
  return level == 0 ? 0 : map.peak * std::exp2(static_cast<double>(level - kTopLevel) / kLevelsPerOctave);
}

}  // namespace

TEST_CASE("A map has the means of blocks, within half a level of each") {
  const Matrix p = fill(7, 10, [](int64_t i, int64_t j) { return static_cast<double>(i * 10 + j) / 69; });
  const AttentionMap map = block_means(p.view(), 3, 4);
  REQUIRE(map.levels.size() == 12);
  // Rows begin at 0, 2, 4 and columns at 0, 2, 5, 7.
  const std::vector<int64_t> rows = {0, 2, 4, 7}, columns = {0, 2, 5, 7, 10};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 4; ++j) {
      double sum = 0;
      for (int64_t r = rows[i]; r < rows[i + 1]; ++r)
        for (int64_t c = columns[j]; c < columns[j + 1]; ++c) sum += static_cast<double>(p.view().row(r)[c]);
      const double mean = sum / static_cast<double>((rows[i + 1] - rows[i]) * (columns[j + 1] - columns[j]));
      CHECK(value_of(map, 4 * i + j) == Approx(mean).epsilon(std::exp2(0.5 / kLevelsPerOctave) - 1));
    }
  }
  CHECK(map.levels.back() == kTopLevel);
}

TEST_CASE("Levels reach sixteen octaves down, and what is less is none") {
  const Matrix p = fill(1, 4, [](int64_t, int64_t j) {
    return j == 0 ? 1.0 : j == 1 ? std::exp2(-15.0) : j == 2 ? std::exp2(-17.0) : 0.0;
  });
  const AttentionMap map = block_means(p.view(), 1, 4);
  CHECK(map.peak == 1);
  CHECK(map.levels == std::vector<uint8_t>{255, 15, 0, 0});
  const Matrix zero = fill(2, 2, [](int64_t, int64_t) { return 0.0; });
  CHECK(block_means(zero.view(), 2, 2).levels == std::vector<uint8_t>(4, 0));
}

TEST_CASE("Maps are of the layers, heads and sequence that were asked for, whatever the threads") {
  MadeSource source({9, 100, 12}, {4, 5, 6});
  const AttentionMaps maps = maps_of(source, 1, {1}, {0, 1});
  CHECK(maps.sequence == 1);
  CHECK(maps.document == 5);
  REQUIRE(maps.layers.size() == 1);
  const LayerMaps& layer = maps.layers[0];
  CHECK(layer.rows == 100);
  CHECK(layer.block_rows == kMostBlocks);
  REQUIRE(layer.heads.size() == 2);
  for (size_t h = 0; h < 2; ++h) {
    const AttentionMap own = block_means(source.probabilities(1, 1, static_cast<int64_t>(h)).view(), 64, 64);
    CHECK(layer.heads[h].levels == own.levels);
    CHECK(layer.heads[h].peak == own.peak);
  }
  CHECK(maps_of(source, 1, {1}, {0, 1}, 1).layers[0].heads[1].levels == layer.heads[1].levels);
  const AttentionMaps small = maps_of(source, 0, {0, 1}, {1});
  REQUIRE(small.layers.size() == 2);
  CHECK(small.layers[1].block_columns == 9);
}

TEST_CASE("Dropped positions are not in a map") {
  MadeSource source({8}, {0});
  source.change().dropped = {{0, 7}};
  const AttentionMaps maps = maps_of(source, 0, {0}, {0});
  CHECK(maps.layers[0].rows == 6);
  double weight = 0;
  for (size_t j = 0; j < 6; ++j) weight += value_of(maps.layers[0].heads[0], j);
  CHECK(weight == Approx(1).epsilon(0.03));
}

TEST_CASE("A sequence that is not there is refused by the option's name") {
  MadeSource source({8, 8}, {0, 1});
  CHECK(contains(message_of([&] { check_sequence(source.facts(), 2, "--attention-maps"); }),
                 "--attention-maps: sequence 2; expected 0 to 1"));
  check_sequence(source.facts(), 1, "--attention-maps");
}

}  // namespace linformer
