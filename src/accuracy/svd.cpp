// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "accuracy/eigenbasis.h"
#include "accuracy/places.h"
#include "accuracy/replacements.h"

namespace linformer {
namespace {

// P_k = P W Wᵀ, W the k right singular vectors of largest singular value.
class Svd final : public Replacement {
 public:
  explicit Svd(std::vector<int64_t> ks) : Replacement(std::move(ks)) {}

  std::string name(int64_t k) const override { return fmt::format("svd:k={}", k); }
  ReplacementTraits traits() const override { return {.kind = ReplacementKind::kOptimum}; }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const Eigenbasis basis = right_singular_vectors(in.p, ks.back(), w);
    const MatrixView<float> values = w.matrix(place::kValues, in.v.rows, in.v.cols),
                            out = w.matrix(place::kOutput, in.v.rows, in.v.cols);
    for (size_t i = 0; i < ks.size(); ++i) {
      project(basis, ks[i], in.v, values, w);
      w.multiply(in.p, values, out);
      receive(i, out, {});
    }
  }
};

}  // namespace

std::unique_ptr<Replacement> make_svd(std::vector<int64_t> ks) {
  return std::make_unique<Svd>(std::move(ks));
}

}  // namespace linformer
