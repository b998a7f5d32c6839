// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "accuracy/places.h"
#include "accuracy/replacements.h"

namespace linformer {
namespace {

// Row i keeps its k nearest keys, the window being pushed inwards at the ends; where P is 0 in all of it,
// they count alike.
class Local final : public Replacement {
 public:
  explicit Local(std::vector<int64_t> ks) : Replacement(std::move(ks)) {}

  std::string name(int64_t k) const override { return fmt::format("local:k={}", k); }
  ReplacementTraits traits() const override { return {.distribution = true}; }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const int64_t n = in.v.rows;
    const MatrixView<float> out = w.matrix(place::kOutput, n, in.v.cols),
                            p = w.matrix(place::kProbabilities, n, n);
    for (size_t i = 0; i < ks.size(); ++i) {
      for (int64_t row = 0; row < n; ++row) keep_window(in.p.row(row), row, n, ks[i], p.row(row));
      w.multiply(p, in.v, out);
      receive(i, out, p);
    }
  }

 private:
  static void keep_window(const float* from, int64_t row, int64_t n, int64_t k, float* to) {
    const int64_t begin = std::clamp<int64_t>(row - k / 2, 0, n - k);
    const double sum = std::accumulate(from + begin, from + begin + k, 0.0);
    std::fill_n(to, n, 0.0f);
    for (int64_t j = begin; j < begin + k; ++j) {
      to[j] = static_cast<float>(sum > 0 ? static_cast<double>(from[j]) / sum : 1 / static_cast<double>(k));
    }
  }
};

}  // namespace

std::unique_ptr<Replacement> make_local(std::vector<int64_t> ks) {
  return std::make_unique<Local>(std::move(ks));
}

}  // namespace linformer
