// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "accuracy/eigenbasis.h"
#include "accuracy/places.h"
#include "accuracy/replacements.h"

namespace linformer {
namespace {

// Of all M of rank k, M V comes nearest to O = P V where it is O_k (Eckart and Young 1936): O W Wᵀ, W [d, k].
class PvSvd final : public Replacement {
 public:
  explicit PvSvd(std::vector<int64_t> ks) : Replacement(std::move(ks)) {}

  std::string name(int64_t k) const override { return fmt::format("pv-svd:k={}", k); }
  ReplacementTraits traits() const override { return {.kind = ReplacementKind::kOptimum}; }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const int64_t n = in.v.rows, d = in.v.cols, most = std::min(ks.back(), d);
    const MatrixView<float> exact = w.matrix(place::kValues, n, d), out = w.matrix(place::kOutput, n, d);
    w.multiply(in.p, in.v, exact);
    const Eigenbasis basis = right_singular_vectors(exact, most, w);
    for (size_t i = 0; i < ks.size(); ++i) {
      const int64_t k = std::min(ks[i], most);
      MatrixView<const float> rows = basis.rows, columns = basis.columns;
      rows.rows = columns.cols = k;
      const MatrixView<float> coefficients = w.matrix(place::kCoefficients, n, k);
      w.multiply(exact, columns, coefficients);
      w.multiply(coefficients, rows, out);
      receive(i, out, {});
    }
  }
};

}  // namespace

std::unique_ptr<Replacement> make_pv_svd(std::vector<int64_t> ks) {
  return std::make_unique<PvSvd>(std::move(ks));
}

}  // namespace linformer
