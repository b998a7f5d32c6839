// SPDX-License-Identifier: MIT
#include <algorithm>

#include "accuracy/measures.h"
#include "accuracy/places.h"
#include "accuracy/replacements.h"

namespace linformer {
namespace {

class MeanV final : public Replacement {
 public:
  MeanV() : Replacement({0}) {}

  std::string name(int64_t) const override { return "mean-v"; }
  ReplacementTraits traits() const override { return {.ranked = false, .distribution = true}; }

  void apply(const HeadInput& in, std::span<const int64_t>, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const int64_t n = in.v.rows;
    const std::vector<double> mean = mean_row(in.v);
    const MatrixView<float> out = w.matrix(place::kOutput, n, in.v.cols),
                            p = w.matrix(place::kProbabilities, n, n);
    for (int64_t i = 0; i < n; ++i) {
      std::transform(mean.begin(), mean.end(), out.row(i), [](double x) { return static_cast<float>(x); });
    }
    std::fill_n(p.data, n * n, 1 / static_cast<float>(n));
    receive(0, out, p);
  }
};

}  // namespace

std::unique_ptr<Replacement> make_mean_v() { return std::make_unique<MeanV>(); }

}  // namespace linformer
