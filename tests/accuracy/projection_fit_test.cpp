// SPDX-License-Identifier: MIT
#include "accuracy/projection_fit.h"

#include <cmath>
#include <memory>

#include "catch.h"
#include "made_head.h"

namespace linformer {
namespace {

using testing::MadeHead;
using testing::Matrix;
using testing::Numbers;
using testing::numbers;
using testing::product;

constexpr int64_t kLength = 16, kHeadSize = 4, kSlots = 4;

Matrix mean_pooling() {
  return testing::fill(kSlots, kLength, [](int64_t i, int64_t j) {
    return j / (kLength / kSlots) == i ? 1.0 / (kLength / kSlots) : 0;
  });
}

// As far from pooling as its own weights are large.
Matrix near_pooling(uint64_t seed) {
  const Matrix pooled = mean_pooling(), noise = testing::gaussian(kSlots, kLength, 0.25, seed);
  return testing::fill(kSlots, kLength,
                       [&](int64_t i, int64_t j) { return pooled.at(i, j) + noise.at(i, j); });
}

// Heads that are a Linformer: O comes of planted E and F.
struct Planted {
  Matrix e = near_pooling(100), f = near_pooling(101);
  std::vector<std::unique_ptr<MadeHead>> heads;
  std::vector<Matrix> outputs;
  std::vector<std::vector<FitSample>> sequences;

  explicit Planted(uint64_t count) {
    for (uint64_t s = 0; s < count; ++s) {
      const MadeHead& head = *heads.emplace_back(std::make_unique<MadeHead>(kLength, kHeadSize, 1, 200 + s));
      const Numbers keys = product(numbers(e.view()), numbers(head.k.view()));
      const Numbers p = testing::softmax_of(numbers(head.q.view()), keys, static_cast<double>(head.scale));
      const Numbers o = product(p, product(numbers(f.view()), numbers(head.v.view())));
      outputs.push_back(testing::fill(kLength, kHeadSize, [&](int64_t i, int64_t j) {
        return o[static_cast<size_t>(i)][static_cast<size_t>(j)];
      }));
    }
    for (size_t s = 0; s < heads.size(); ++s) {
      sequences.push_back({{.q = heads[s]->q.view(),
                            .k = heads[s]->k.view(),
                            .v = heads[s]->v.view(),
                            .o = outputs[s].view()}});
    }
  }
  float scale() const { return heads.front()->scale; }
};

Matrix dense(int64_t rows, int64_t cols) { return {rows, cols, 0}; }

}  // namespace

TEST_CASE("the error of a projection is that of f64 loops, and zero for the one that was planted") {
  MemoryAccount memory;
  HeadWorkspace workspace(memory);
  const Planted planted(1);
  const auto error = [&](const Matrix& e, const Matrix& f) {
    return projection_error(planted.sequences[0], planted.scale(), e.view(), f.view(), workspace);
  };
  CHECK(error(planted.e, planted.f) < 1e-10);
  const Matrix other = testing::gaussian(kSlots, kLength, 0.5, 102);
  const MadeHead& head = *planted.heads[0];
  const Numbers keys = product(numbers(other.view()), numbers(head.k.view()));
  const Numbers o =
      product(testing::softmax_of(numbers(head.q.view()), keys, static_cast<double>(head.scale)),
              product(numbers(planted.f.view()), numbers(head.v.view())));
  const Numbers truth = numbers(planted.outputs[0].view());
  CHECK(error(other, planted.f) ==
        Approx(testing::squared_distance(o, truth) / testing::squared_norm(truth)).epsilon(1e-4));
}

TEST_CASE("a fit is better than mean pooling on sequences that it has not seen, where there is one to find") {
  MemoryAccount memory;
  HeadWorkspace workspace(memory);
  const Planted planted(24);
  const std::span<const std::vector<FitSample>> all(planted.sequences);
  Matrix e = dense(kSlots, kLength), f = dense(kSlots, kLength);
  fit_projection(all.first(20), planted.scale(), e.view(), f.view(), workspace);
  const Matrix pooled = mean_pooling();
  for (const std::vector<FitSample>& unseen : all.last(4)) {
    const double fitted = projection_error(unseen, planted.scale(), e.view(), f.view(), workspace);
    CHECK(fitted < 0.7 * projection_error(unseen, planted.scale(), pooled.view(), pooled.view(), workspace));
  }
}

TEST_CASE("what is judged best is never worse than mean pooling, whatever the sequences teach") {
  MemoryAccount memory;
  HeadWorkspace workspace(memory);
  Planted planted(4);
  // The last one, which judges, has outputs of its own that the others say nothing of.
  planted.outputs[3] = testing::gaussian(kLength, kHeadSize, 1, 300);
  planted.sequences[3][0].o = planted.outputs[3].view();
  Matrix e = dense(kSlots, kLength), f = dense(kSlots, kLength);
  fit_projection(planted.sequences, planted.scale(), e.view(), f.view(), workspace);
  const Matrix pooled = mean_pooling();
  CHECK(projection_error(planted.sequences[3], planted.scale(), e.view(), f.view(), workspace) <=
        projection_error(planted.sequences[3], planted.scale(), pooled.view(), pooled.view(), workspace));
}

}  // namespace linformer
