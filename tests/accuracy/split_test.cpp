// SPDX-License-Identifier: MIT
#include "accuracy/split.h"

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using Indices = std::vector<int64_t>;

}  // namespace

TEST_CASE("calibration takes whole documents from the front, and never the last one") {
  const Indices documents = {7, 7, 3, 3, 3, 9, 9};
  const Split half = split_sequences(documents, 0.5);
  CHECK(half.calibration == Indices{0, 1, 2, 3, 4});
  CHECK(half.evaluation == Indices{5, 6});
  CHECK(half.calibration_documents == 2);
  CHECK(split_sequences(documents, 0.1).calibration == Indices{0, 1});
  CHECK(split_sequences(documents, 1).evaluation == Indices{5, 6});
}

TEST_CASE("documents whose sequences are apart stay whole") {
  const Split split = split_sequences(Indices{1, 2, 1, 2}, 0.5);
  CHECK(split.calibration == Indices{0, 2});
  CHECK(split.evaluation == Indices{1, 3});
}

TEST_CASE("a single document is cut in two, which is told") {
  const Split split = split_sequences(Indices{4, 4, 4, 4}, 0.5);
  CHECK(split.calibration == Indices{0, 1});
  CHECK(split.evaluation == Indices{2, 3});
  CHECK(split.calibration_documents == 0);
  CHECK(split_sequences(Indices{4, 4}, 0.01).calibration == Indices{0});
  CHECK(split_sequences(Indices{4, 4}, 1).evaluation == Indices{1});
}

TEST_CASE("without calibration all is evaluated, and with it one sequence is too few") {
  CHECK(split_sequences(Indices{4}, 0).evaluation == Indices{0});
  CHECK(split_sequences(Indices{1, 2}, 0).calibration.empty());
  CHECK(code_of([] { split_sequences(Indices{4}, 0.5); }) == static_cast<int>(ErrorCode::kInput));
}

}  // namespace linformer
