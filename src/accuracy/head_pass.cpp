// SPDX-License-Identifier: MIT
#include "accuracy/head_pass.h"

#include <algorithm>

#include "accuracy/measures.h"
#include "accuracy/places.h"
#include "base/clock.h"
#include "base/index.h"
#include "base/stride.h"
#include "base/threads.h"

namespace linformer {
namespace {

template <class F>
double seconds_of(F&& f) {
  const Clock::time_point begin = Clock::now();
  f();
  return seconds_since(begin);
}

}  // namespace

int64_t HeadSelection::place_of(int64_t layer) const {
  const auto found = std::ranges::lower_bound(layers, layer);
  return found != layers.end() && *found == layer ? found - layers.begin() : -1;
}

HeadPass::HeadPass(const HeadSelection& selection, const SourceFacts& facts,
                   std::vector<HeadWorkspace>& workspaces, Run& run, OnHead on_head, int64_t only)
    : selection_(selection),
      facts_(facts),
      workspaces_(workspaces),
      run_(run),
      on_head_(std::move(on_head)),
      only_(only) {}

LayerWants HeadPass::wants(int64_t layer) const {
  if (selection_.place_of(layer) < 0 || (only_ >= 0 && layer != only_)) return {};
  return {.probabilities = true, .row_stride = padded_stride(facts_.sizes.front().cols)};
}

void HeadPass::on_layer(const LayerView& view) {
  if (!wants(view.layer).probabilities) return;
  const int64_t heads = std::ssize(selection_.heads), group = facts_.heads / view.k.heads;
  parallel_for(run_.threads, std::ssize(view.sequences) * heads, [&](int64_t task, int thread) {
    const int64_t b = task / heads, h = selection_.heads[index(task % heads)];
    on_head_({.layer = view.layer,
              .head = h,
              .q = view.q.matrix(b, h),
              .k = view.k.matrix(b, h / group),
              .v = view.v.matrix(b, h / group),
              .p = view.probabilities.matrix(b, h),
              .scale = static_cast<float>(facts_.scales[index(view.layer)]),
              .causal = facts_.causal},
             view.sequences[index(b)], workspaces_[index(thread)]);
  });
}

CalibrationSeconds calibrate(AttentionSource& source, std::span<const int64_t> sequences,
                             const HeadSelection& selection, Replacements& replacements,
                             std::vector<HeadWorkspace>& workspaces, Run& run) {
  std::vector<Replacement*> learners;
  for (const auto& replacement : replacements) {
    if (replacement->traits().calibrated) learners.push_back(replacement.get());
  }
  CalibrationSeconds seconds{.learnt = std::vector<double>(learners.size())};
  if (learners.empty()) return seconds;
  const int64_t count = std::ssize(sequences), layers = std::ssize(selection.layers);
  int64_t done = 0;
  for (const int64_t layer : selection.layers) {
    HeadPass pass(
        selection, source.facts(), workspaces, run,
        [&](const HeadInput& in, int64_t, HeadWorkspace& w) {
          for (Replacement* learner : learners) learner->see(in, w);
        },
        layer);
    // One sequence at a time: what a head has seen must not depend on which thread was first.
    for (int64_t i = 0; i < count; ++i) {
      if (run.stopped()) return seconds;
      seconds.seen += seconds_of([&] { source.run(sequences.subspan(index(i), 1), layer + 1, pass); });
      if (run.progress != nullptr) run.progress->advance("calibrations", ++done, count * layers);
    }
    for (size_t i = 0; i < learners.size(); ++i)
      seconds.learnt[i] += seconds_of([&] { learners[i]->learn_layer(layer, run); });
  }
  for (size_t i = 0; i < learners.size(); ++i)
    seconds.learnt[i] += seconds_of([&] { learners[i]->learn_model(run); });
  return seconds;
}

void measure_head(const HeadInput& in, const Replacements& replacements, HeadWorkspace& w,
                  std::span<double> statistics) {
  const MatrixView<float> exact = w.matrix(place::kExactOutput, in.v.rows, in.v.cols);
  w.multiply(in.p, in.v, exact);
  auto cell = statistics.begin();
  for (const auto& replacement : replacements) {
    replacement->apply(in, replacement->ks(), w,
                       [&](size_t, MatrixView<const float> o, MatrixView<const float> p) {
                         const HeadErrors errors = head_errors(exact, o, in.v, in.causal);
                         *cell++ = errors.output_error;
                         *cell++ = errors.skill;
                         *cell++ = p.data == nullptr ? 0 : mean_divergence(in.p, p);
                       });
  }
}

}  // namespace linformer
