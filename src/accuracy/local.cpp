// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "accuracy/places.h"
#include "accuracy/replacements.h"

namespace linformer {
namespace {

// Row i keeps its k nearest keys, the window being pushed inwards at the ends; where causal, the k last that
// it sees, or all. Where P is 0 in all of them, they count alike.
class Local final : public Replacement {
 public:
  explicit Local(std::vector<int64_t> ks) : Replacement(std::move(ks)) {}

  std::string name(int64_t k) const override { return fmt::format("local:k={}", k); }
  ReplacementTraits traits() const override { return {.distribution = true, .causal = true}; }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const int64_t n = in.v.rows;
    const MatrixView<float> out = w.matrix(place::kOutput, n, in.v.cols),
                            p = w.matrix(place::kProbabilities, n, n);
    for (size_t i = 0; i < ks.size(); ++i) {
      for (int64_t row = 0; row < n; ++row) {
        const int64_t k = ks[i], end = in.causal ? row + 1 : std::clamp(row - k / 2 + k, k, n);
        keep_window(in.p.row(row), std::max<int64_t>(end - k, 0), end, n, p.row(row));
      }
      w.multiply(p, in.v, out);
      receive(i, out, p);
    }
  }

 private:
  static void keep_window(const float* from, int64_t begin, int64_t end, int64_t n, float* to) {
    const double sum = std::accumulate(from + begin, from + end, 0.0),
                 count = static_cast<double>(end - begin);
    std::fill_n(to, n, 0.0f);
    for (int64_t j = begin; j < end; ++j)
      to[j] = static_cast<float>(sum > 0 ? static_cast<double>(from[j]) / sum : 1 / count);
  }
};

}  // namespace

std::unique_ptr<Replacement> make_local(std::vector<int64_t> ks) {
  return std::make_unique<Local>(std::move(ks));
}

}  // namespace linformer
