// SPDX-License-Identifier: MIT
#include "spectrum/block_krylov.h"

#include "catch.h"
#include "dense_values.h"
#include "heads.h"

namespace linformer {
namespace {

using testing::QueryKeyHead;

constexpr RandomStream kStream{.seed = 1, .purpose = 1, .index = 1};

// Steps until there is no more room or nothing left.
RitzValues run_to_end(const QueryKeyHead& head, int64_t capacity, int64_t width, int threads = 2) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = threads};
  AttentionOperator op(head.view(), run);
  BlockKrylov krylov(op, capacity, width);
  krylov.begin(kStream, width);
  while (krylov.add_block()) krylov.prepare_block();
  return krylov.ritz();
}

}  // namespace

TEST_CASE("leading singular values agree with those of the dense P") {
  for (const bool causal : {false, true}) {
    const QueryKeyHead head = testing::gaussian_head(400, 400, 16, 1, causal, 1);
    const std::vector<double> truth = testing::dense_values(head);
    const RitzValues ritz = run_to_end(head, 160, 16);
    REQUIRE(ritz.values.size() == 160);
    for (size_t k = 0; k < 40; ++k) {
      CAPTURE(causal, k, truth[k]);
      CHECK(std::abs(ritz.values[k] - truth[k]) <= 1e-4 * truth[0]);
    }
    for (size_t k = 0; k < 160; ++k) CHECK(ritz.values[k] <= truth[k] + 2e-6 * truth[0]);
  }
}

TEST_CASE("a basis of full size has all singular values") {
  for (const int64_t n : {1, 2, 7, 33, 90}) {
    const QueryKeyHead head = testing::gaussian_head(n, n, 16, 3, false, 2);
    const std::vector<double> truth = testing::dense_values(head);
    const RitzValues ritz = run_to_end(head, n, std::min<int64_t>(n, 8));
    CAPTURE(n);
    for (size_t k = 0; k < ritz.values.size(); ++k)
      CHECK(std::abs(ritz.values[k] - truth[k]) <= 3e-6 * truth[0]);
    for (size_t k = ritz.values.size(); k < truth.size(); ++k) CHECK(truth[k] <= 3e-6 * truth[0]);
  }
}

TEST_CASE("iteration ends where P has no more directions") {
  // Queries of two kinds only: P has rank 2.
  QueryKeyHead head = testing::gaussian_head(150, 150, 8, 1, false, 3);
  for (int64_t i = 2; i < 150; ++i) {
    for (int64_t c = 0; c < 8; ++c) head.q.at(i, c) = head.q.at(i % 2, c);
  }
  const RitzValues ritz = run_to_end(head, 60, 12);
  const std::vector<double> truth = testing::dense_values(head);
  REQUIRE(ritz.values.size() >= 2);
  CHECK(ritz.values.size() <= 12);
  CHECK(std::abs(ritz.values[0] - truth[0]) <= 1e-6);
  CHECK(std::abs(ritz.values[1] - truth[1]) <= 1e-6);
  CHECK(ritz.coupling_rows == 0);
}

TEST_CASE("Ritz values do not depend on the number of threads") {
  const QueryKeyHead head = testing::gaussian_head(500, 500, 16, 2, false, 4);
  const RitzValues one = run_to_end(head, 64, 16, 1), three = run_to_end(head, 64, 16, 3);
  CHECK(one.values == three.values);
  CHECK(one.coupling == three.coupling);
}

TEST_CASE("a second chain sees P without the projection on the first, whether or not it went along") {
  const QueryKeyHead head = testing::gaussian_head(300, 300, 16, 2, false, 5);
  for (const auto along : {BlockKrylov::Along::kNothing, BlockKrylov::Along::kLater}) {
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 2};
    AttentionOperator op(head.view(), run);
    BlockKrylov krylov(op, 200, 8, 8);
    krylov.begin(kStream, 8);
    for (int i = 0; i < 4 && krylov.add_block(along); ++i) krylov.prepare_block();
    const int64_t first = krylov.size();
    CHECK(first == 32);
    const std::vector<double> residual = testing::residual_values(head, krylov.left());
    REQUIRE(krylov.begin_later());
    CHECK(krylov.size() == first + 8);
    for (int i = 1; i < 12; ++i) {
      krylov.prepare_block();
      REQUIRE(krylov.add_block());
    }
    const RitzValues ritz = krylov.ritz(first);
    CHECK(std::abs(ritz.values[0] - residual[0]) <= 1e-4 * residual[0]);
    CHECK(ritz.values[0] <= residual[0] * (1 + 1e-5));
    CHECK(memory.peak_bytes() <= BlockKrylov::buffer_bytes(300, 300, 200, 8, 8, 2) +
                                     AttentionOperator::buffer_bytes(300, 300, 16, 16, 2));
  }
}

TEST_CASE("what goes along changes neither the chain nor what the second one finds") {
  const QueryKeyHead head = testing::gaussian_head(300, 280, 16, 2, false, 5);
  std::vector<RitzValues> chains, residuals;
  for (const auto along : {BlockKrylov::Along::kNothing, BlockKrylov::Along::kLater}) {
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 2};
    AttentionOperator op(head.view(), run);
    BlockKrylov krylov(op, 60, 12, 5);
    krylov.begin(kStream, 12);
    for (int i = 0; i < 3 && krylov.add_block(along); ++i) krylov.prepare_block();
    chains.push_back(krylov.ritz());
    REQUIRE(krylov.begin_later());
    krylov.prepare_block();
    REQUIRE(krylov.add_block());
    residuals.push_back(krylov.ritz(36));
  }
  CHECK(chains[0].values == chains[1].values);
  CHECK(chains[0].coupling == chains[1].coupling);
  REQUIRE(residuals[1].values.size() == 10);
  for (size_t i = 0; i < 10; ++i)
    CHECK(residuals[1].values[i] == Approx(residuals[0].values[i]).epsilon(1e-4));
}

}  // namespace linformer
