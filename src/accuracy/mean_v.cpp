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
  ReplacementTraits traits() const override {
    return {.ranked = false, .distribution = true, .causal = true};
  }

  void apply(const HeadInput& in, std::span<const int64_t>, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const int64_t n = in.v.rows;
    MeanValues means(in.v, in.causal);
    const MatrixView<float> out = w.matrix(place::kOutput, n, in.v.cols),
                            p = w.matrix(place::kProbabilities, n, n);
    for (int64_t i = 0; i < n; ++i) {
      std::ranges::transform(means.next(), out.row(i), [](double x) { return static_cast<float>(x); });
      const int64_t seen = in.causal ? i + 1 : n;
      std::fill_n(p.row(i), seen, 1 / static_cast<float>(seen));
      std::fill(p.row(i) + seen, p.row(i) + n, 0.0f);
    }
    receive(0, out, p);
  }
};

}  // namespace

std::unique_ptr<Replacement> make_mean_v() { return std::make_unique<MeanV>(); }

}  // namespace linformer
