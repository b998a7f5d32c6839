// SPDX-License-Identifier: MIT
#include "accuracy/fitted.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "accuracy/places.h"
#include "base/index.h"
#include "base/threads.h"

namespace linformer {
namespace {

// Samples of the layer in hand are kept: more would cost memory and time, and teach little.
constexpr size_t kMostSequences = 32;

MatrixView<float> copy(MatrixView<const float> from, float* to) {
  for (int64_t i = 0; i < from.rows; ++i) std::copy_n(from.row(i), from.cols, to + i * from.cols);
  return {to, from.rows, from.cols, from.cols};
}

}  // namespace

Fitted::Fitted(std::vector<int64_t> ks, HeadSharing sharing, const ReplacementSizes& sizes, Run& run)
    : Replacement(std::move(ks)), sharing_(sharing), sizes_(sizes), memory_(run.memory) {
  kept_.resize(index(sizes.heads));
  samples_.resize(index(sizes.heads));
  for (int64_t i = 0; i < group_count(sharing, sizes); ++i) fits_.emplace_back(this->ks().size());
}

std::string Fitted::name(int64_t k) const {
  return fmt::format("fitted:k={},sharing={}", k, name_of(sharing_));
}

void Fitted::see(const HeadInput& in, HeadWorkspace& w) {
  std::vector<Buffer<float>>& kept = kept_[index(in.head)];
  if (kept.size() == kMostSequences) return;
  const int64_t each = sizes_.length * sizes_.head_size;
  float* const data = kept.emplace_back(memory_, 4 * each, "samples of a fit").data();
  const MatrixView<float> o{data + 3 * each, sizes_.length, sizes_.head_size, sizes_.head_size};
  w.multiply(in.p, in.v, o);
  samples_[index(in.head)].push_back(
      {.q = copy(in.q, data), .k = copy(in.k, data + each), .v = copy(in.v, data + 2 * each), .o = o});
}

void Fitted::learn_layer(int64_t layer, Run& run) {
  const bool of_heads = sharing_ == HeadSharing::kHead;
  const int64_t groups = of_heads ? sizes_.heads : 1, ranks = std::ssize(ks());
  std::vector<HeadWorkspace> workspaces;
  for (int i = 0; i < run.threads; ++i) workspaces.emplace_back(run.memory);
  for (int64_t task = 0; task < groups * ranks; ++task) {
    const int64_t k = ks()[index(task % ranks)];
    fits_[index(group_of(sharing_, sizes_, layer, task / ranks))][index(task % ranks)] =
        Buffer<float>(run.memory, 2 * k * sizes_.length, "fitted E and F");
  }
  // The largest, which take longest, first.
  parallel_for(run.threads, groups * ranks, [&](int64_t i, int thread) {
    const int64_t rank = ranks - 1 - i / groups, head = i % groups;
    const Projections fit = projections(layer, head, index(rank));
    std::vector<std::vector<FitSample>> sequences(samples_[index(head)].size());
    for (int64_t member = head; member < (of_heads ? head + 1 : sizes_.heads); ++member) {
      for (size_t s = 0; s < sequences.size(); ++s) sequences[s].push_back(samples_[index(member)][s]);
    }
    fit_projection(sequences, sizes_.scale, fit.e, fit.f, workspaces[index(thread)]);
  });
  for (auto& kept : kept_) kept.clear();
  for (auto& samples : samples_) samples.clear();
}

Replacement::Learning Fitted::learning(int64_t sequences) const {
  const int64_t kept = std::min(sequences, static_cast<int64_t>(kMostSequences));
  return {.work = static_cast<double>(kept),
          .bytes = kept * sizes_.heads * 4 * sizes_.length * sizes_.head_size *
                   static_cast<int64_t>(sizeof(float))};
}

Fitted::Projections Fitted::projections(int64_t layer, int64_t head, size_t rank) const {
  const int64_t n = sizes_.length, k = ks()[rank];
  float* const data = fits_[index(group_of(sharing_, sizes_, layer, head))][rank].data();
  return {.e = {data, k, n, n}, .f = {data + k * n, k, n, n}};
}

std::vector<LearntTensor> Fitted::learnt(const std::vector<int64_t>& layers,
                                         const std::vector<int64_t>& heads) const {
  const bool of_heads = sharing_ == HeadSharing::kHead;
  std::vector<LearntTensor> tensors;
  for (const int64_t layer : layers) {
    for (const int64_t head : of_heads ? heads : std::vector<int64_t>{0}) {
      for (size_t rank = 0; rank < ks().size(); ++rank) {
        const std::string name = fmt::format("layers.{}.{}k{}.", layer,
                                             of_heads ? fmt::format("heads.{}.", head) : "", ks()[rank]);
        const Projections fit = projections(layer, head, rank);
        tensors.push_back({name + "E", fit.e});
        tensors.push_back({name + "F", fit.f});
      }
    }
  }
  return tensors;
}

void Fitted::apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& w,
                   const HeadReceiver& receive) const {
  const int64_t n = sizes_.length, d = sizes_.head_size;
  const AttentionShape shape{
      .batch = 1, .heads = 1, .queries = n, .keys = n, .head_size = d, .value_size = d, .scale = in.scale};
  const MatrixView<float> out = w.matrix(place::kOutput, n, d);
  for (size_t i = 0; i < ks.size(); ++i) {
    const auto rank = std::ranges::find(this->ks(), ks[i]) - this->ks().begin();
    const Projections fit = projections(in.layer, in.head, index(rank));
    const std::string mechanism = fmt::format("linformer:k={},sharing=headwise", ks[i]);
    Mechanism& linformer = w.mechanism(mechanism, [&] { return make_mechanism(mechanism); });
    const float* const parameters[] = {fit.e.data, fit.f.data};
    linformer.prepare(shape, parameters);
    w.run(linformer, shape, {.q = as_heads(in.q), .k = as_heads(in.k), .v = as_heads(in.v)}, out, {});
    receive(i, out, {});
  }
}

std::unique_ptr<Replacement> make_fitted(std::vector<int64_t> ks, HeadSharing sharing,
                                         const ReplacementSizes& sizes, Run& run) {
  return std::make_unique<Fitted>(std::move(ks), sharing, sizes, run);
}

}  // namespace linformer
