// SPDX-License-Identifier: MIT
// What follows from options and source before anything runs: checks, defaults, replacements, places.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "accuracy/accuracy.h"
#include "attention/mechanism.h"
#include "base/error.h"

namespace linformer {
namespace {

constexpr int64_t kBatchTokens = 2048;
constexpr int kUsualRanks = 5;  // n/2 to n/32

[[noreturn]] void refuse(ErrorCode code, const char* found, const char* expected, const char* remedy) {
  throw Error(code, {.subject = "accuracy", .found = found, .expected = expected, .remedy = remedy});
}

void require_possible(const SourceFacts& facts) {
  if (!facts.columns.empty()) {
    refuse(ErrorCode::kUnsupported, "a Linformer, whose P has slots for columns", "attention to all tokens",
           "It has its low rank already");
  }
  const auto same = [&](const MapSize& size) {
    return size == facts.sizes.front() && size.rows == size.cols;
  };
  if (!std::ranges::all_of(facts.sizes, same)) {
    refuse(ErrorCode::kInput, "sequences that differ in length", "sequences of one length",
           "What is learnt from some of them is of one length: cut --ids alike");
  }
}

// What looks at later keys would tell a causal model what it is to predict.
void require_causal(const Replacement& replacement) {
  if (replacement.traits().causal) return;
  const std::string found =
      fmt::format("{} in the place of causal heads", replacement.name(replacement.ks().front()));
  refuse(ErrorCode::kUnsupported, found.c_str(), "flash, standard, local or mean-v",
         "It mixes later positions, which a causal head must not see, into earlier ones");
}

}  // namespace

Accuracy::Accuracy(AttentionSource& source, std::vector<AttentionSource*> untrained, WholeModel whole,
                   AccuracyOptions options, Run& run)
    : facts_(source.facts()), whole_(std::move(whole)), options_(std::move(options)), run_(run) {
  require_possible(facts_);
  split_ = split_sequences(facts_.documents, options_.calibration);
  choose();
  const ReplacementSizes sizes{.layers = facts_.layers,
                               .heads = facts_.heads,
                               .length = facts_.sizes.front().rows,
                               .head_size = facts_.head_size,
                               .scale = static_cast<float>(facts_.scales.front()),
                               .distance_bias = facts_.has_bias,
                               .seed = options_.seed};
  std::vector<AttentionSource*> all = {&source};
  all.insert(all.end(), untrained.begin(), untrained.end());
  for (AttentionSource* of : all) {
    Subject& subject = subjects_.emplace_back(Subject{*of, {}});
    for (const std::string& specification : options_.mechanisms)
      subject.replacements.push_back(make_replacement(specification, options_.ks, sizes, run));
  }
  for (const auto& replacement : replacements()) {
    if (facts_.causal) require_causal(*replacement);
  }
  for (const auto& replacement : replacements()) {
    if (!replacement->traits().calibrated || !split_.calibration.empty()) continue;
    throw Error(ErrorCode::kUsage, {.subject = "--calibration",
                                    .found = fmt::format("0, with {}, which learns",
                                                         replacement->name(replacement->ks().front())),
                                    .expected = "a share of the sequences"});
  }
  for (int i = 0; i < run.threads; ++i) workspaces_.emplace_back(run.memory);
}

void Accuracy::choose() {
  selection_.layers = choose_indices(options_.layers, facts_.layers, "--layers");
  selection_.heads = choose_indices(options_.heads, facts_.heads, "--heads");
  options_.layers = selection_.layers, options_.heads = selection_.heads;
  if (options_.ks.empty()) {
    for (int64_t k = facts_.sizes.front().rows / 2, i = 0; i < kUsualRanks && k > 0; ++i, k /= 2)
      options_.ks.push_back(k);
  }
  if (options_.batch == 0) options_.batch = std::max<int64_t>(1, kBatchTokens / facts_.sizes.front().rows);
}

std::vector<AccuracyCell> Accuracy::cells() const {
  std::vector<AccuracyCell> cells;
  for (const auto& replacement : replacements()) {
    const ReplacementTraits traits = replacement->traits();
    for (const int64_t k : replacement->ks()) {
      const std::string name = replacement->name(k);
      cells.push_back({.name = name,
                       .method = without_rank(name),
                       .k = k,
                       .kind = std::string(name_of(traits.kind)),
                       .calibrated = traits.calibrated,
                       .distribution = traits.distribution});
    }
  }
  return cells;
}

std::vector<LearntTensor> Accuracy::learnt() const {
  std::vector<LearntTensor> tensors;
  for (const auto& replacement : replacements()) {
    for (LearntTensor& tensor : replacement->learnt(selection_.layers, selection_.heads))
      tensors.push_back(std::move(tensor));
  }
  return tensors;
}

RecordKeys Accuracy::keys() const {
  return {std::ssize(cells()), std::ssize(selection_.layers), std::ssize(selection_.heads),
          subjects_.size() > 1};
}

RecordLayout Accuracy::record_layout() const {
  std::vector<std::string> names;
  for (const AccuracyCell& cell : cells()) names.push_back(cell.name);
  return keys().layout(names, std::ssize(facts_.sizes));
}

}  // namespace linformer
