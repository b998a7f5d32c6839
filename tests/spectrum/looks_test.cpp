// SPDX-License-Identifier: MIT
#include "spectrum/looks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "catch.h"

namespace linformer {
namespace {

using Taken = std::vector<std::pair<int64_t, double>>;  // sequences finished, confidence

// The looks at the ends of the batches from `finished` sequences on.
Taken looks_from(Looks looks, int64_t finished, int64_t batch, int64_t sequences) {
  Taken taken;
  for (int64_t done = finished; done <= sequences; done += batch) {
    if (looks.take(done)) taken.emplace_back(done, looks.confidence());
  }
  return taken;
}

Taken looks_of(int64_t batch, int64_t sequences) {
  return looks_from(Looks(batch, 0), batch, batch, sequences);
}

}  // namespace

TEST_CASE("the looks together may err once in twenty") {
  double error = 0;
  for (int64_t look = 1; look < 100000; ++look) error += 1 - look_confidence(look);
  CHECK(error < 0.05);
  CHECK(error == Approx(0.05).epsilon(1e-4));
}

TEST_CASE("looks are at 8, 16, 32 and so on, or at the end of the batch that passes them") {
  CHECK(looks_of(1, 70) == Taken{{8, look_confidence(1)},
                                 {16, look_confidence(2)},
                                 {32, look_confidence(3)},
                                 {64, look_confidence(4)}});
  CHECK(looks_of(6, 60) ==
        Taken{{12, look_confidence(1)}, {18, look_confidence(2)}, {36, look_confidence(3)}});
  // 8, 16 and 32 are passed at once.
  CHECK(looks_of(40, 80) == Taken{{40, look_confidence(3)}, {80, look_confidence(4)}});
}

TEST_CASE("a resumed run takes the looks that it would have taken") {
  for (const int64_t batch : {1, 3, 8, 20}) {
    const Taken whole = looks_of(batch, 200);
    for (int64_t finished = batch; finished <= 200; finished += batch) {
      INFO("batches of " << batch << ", resumed at " << finished);
      const auto later =
          std::find_if(whole.begin(), whole.end(), [&](const auto& look) { return look.first >= finished; });
      CHECK(looks_from(Looks(batch, finished), finished, batch, 200) == Taken(later, whole.end()));
    }
  }
}

TEST_CASE("results after the last look are at the confidence of one more") {
  Looks looks(1, 0);
  CHECK(looks.final_confidence(5) == look_confidence(1));
  looks.take(8);
  CHECK(looks.final_confidence(8) == look_confidence(1));
  CHECK(looks.final_confidence(9) == look_confidence(2));
}

}  // namespace linformer
