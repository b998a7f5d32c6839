// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "accuracy/eigenbasis.h"
#include "accuracy/places.h"
#include "accuracy/replacements.h"
#include "accuracy/sharing.h"
#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

// Σ‖P − P Π‖_F² over matrices P is least, of all projections Π on k dimensions, for those on the first k
// eigenvectors of Σ PᵀP. Sums are kept for each head and added in order, so threads change nothing.
class Subspace final : public Replacement {
 public:
  Subspace(std::vector<int64_t> ks, HeadSharing sharing, const ReplacementSizes& sizes, Run& run)
      : Replacement(std::move(ks)), sharing_(sharing), sizes_(sizes), memory_(run.memory) {
    const int64_t square = sizes.length * sizes.length;
    sums_ = Buffer<double>(run.memory, sizes.heads * square, "sums of P'P");
    if (sharing == HeadSharing::kModel) total_ = Buffer<double>(run.memory, square, "sums of P'P");
    std::fill_n(sums_.data(), sums_.size(), 0.0);
    std::fill_n(total_.data(), total_.size(), 0.0);
    bases_.resize(index(group_count(sharing, sizes)));
  }

  std::string name(int64_t k) const override {
    return fmt::format("subspace:k={},sharing={}", k, name_of(sharing_));
  }
  ReplacementTraits traits() const override { return {.calibrated = true}; }

  void see(const HeadInput& in, HeadWorkspace& w) override { add_gram(in.p, sum_of(in.head), w); }

  void learn_layer(int64_t layer, Run& run) override {
    if (sharing_ == HeadSharing::kHead) {
      std::vector<HeadWorkspace> workspaces;
      for (int i = 0; i < run.threads; ++i) workspaces.emplace_back(run.memory);
      for (int64_t head = 0; head < sizes_.heads; ++head) make_room(layer, head);
      parallel_for(run.threads, sizes_.heads, [&](int64_t head, int thread) {
        learn(layer, head, sum_of(head), workspaces[index(thread)]);
      });
    } else {
      for (int64_t head = 1; head < sizes_.heads; ++head) add(sum_of(head), sum_of(0));
      if (sharing_ == HeadSharing::kModel) {
        add(sum_of(0), total());
      } else {
        HeadWorkspace workspace(run.memory);
        make_room(layer, 0);
        learn(layer, 0, sum_of(0), workspace);
      }
    }
    std::fill_n(sums_.data(), sums_.size(), 0.0);
  }

  void learn_model(Run& run) override {
    sums_ = {};
    if (sharing_ != HeadSharing::kModel) return;
    HeadWorkspace workspace(run.memory);
    make_room(0, 0);
    learn(0, 0, total(), workspace);
    total_ = {};
  }

  void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
             const HeadReceiver& receive) const override {
    const Eigenbasis& basis = bases_[index(group_of(sharing_, sizes_, in.layer, in.head))].basis;
    const MatrixView<float> values = w.matrix(place::kValues, in.v.rows, in.v.cols),
                            out = w.matrix(place::kOutput, in.v.rows, in.v.cols);
    for (size_t i = 0; i < ks.size(); ++i) {
      project(basis, ks[i], in.v, values, w);
      w.multiply(in.p, values, out);
      receive(i, out, {});
    }
  }

 private:
  struct Learnt {
    Buffer<float> storage;
    Eigenbasis basis;
  };

  MatrixView<double> sum_of(int64_t head) const {
    const int64_t n = sizes_.length;
    return {sums_.data() + head * n * n, n, n, n};
  }
  MatrixView<double> total() const { return {total_.data(), sizes_.length, sizes_.length, sizes_.length}; }
  static void add(MatrixView<double> from, MatrixView<double> to) {
    for (int64_t i = 0; i < from.rows * from.cols; ++i) to.data[i] += from.data[i];
  }

  void make_room(int64_t layer, int64_t head) {
    Learnt& learnt = bases_[index(group_of(sharing_, sizes_, layer, head))];
    learnt.storage = Buffer<float>(memory_, 2 * ks().back() * sizes_.length, "fixed subspaces");
  }

  void learn(int64_t layer, int64_t head, MatrixView<double> sum, HeadWorkspace& w) {
    Learnt& learnt = bases_[index(group_of(sharing_, sizes_, layer, head))];
    const int64_t n = sizes_.length, k = ks().back();
    float* const data = learnt.storage.data();
    learnt.basis = eigenbasis(sum, {data, k, n, n}, {data + k * n, n, k, k}, w);
  }

  HeadSharing sharing_;
  ReplacementSizes sizes_;
  MemoryAccount& memory_;
  Buffer<double> sums_;   // [h, n, n] of the layer in hand
  Buffer<double> total_;  // [n, n]
  std::vector<Learnt> bases_;
};

}  // namespace

std::unique_ptr<Replacement> make_subspace(std::vector<int64_t> ks, HeadSharing sharing,
                                           const ReplacementSizes& sizes, Run& run) {
  return std::make_unique<Subspace>(std::move(ks), sharing, sizes, run);
}

}  // namespace linformer
