// SPDX-License-Identifier: MIT
// What follows from options and source before anything runs: defaults, checks, layouts.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/index.h"
#include "spectrum/analysis.h"

namespace linformer {
namespace {

constexpr int64_t kShareGridPoints = 128;  // of curves where lengths differ
constexpr int64_t kBandPoints = 32;
constexpr int64_t kBatchTokens = 2048;
constexpr int64_t kDefaultHeadSize = 64;

}  // namespace

Analysis::Analysis(AttentionSource& source, AnalysisOptions options, Run& run)
    : source_(source), facts_(source.facts()), options_(std::move(options)), run_(run) {
  for (int64_t i = 0; i < std::ssize(facts_.sizes); ++i) sizes_.push_back(effective_size(i));
  choose_layers_and_heads();
  choose_grid();
  choose_controls();
  if (options_.batch == 0)
    options_.batch = std::max<int64_t>(1, kBatchTokens / std::max<int64_t>(largest_.rows, 1));
  choose_head_size();
}

MapSize Analysis::effective_size(int64_t sequence) const {
  MapSize size = facts_.sizes[index(sequence)];
  if (facts_.dropped.empty()) return size;
  const int64_t dropped = std::ssize(facts_.dropped[index(sequence)]);
  size = {size.rows - dropped, size.cols - dropped};
  if (size.rows > 0) return size;
  throw Error(ErrorCode::kUsage, {.subject = "--drop-special-tokens",
                                  .item = fmt::format("sequence {}", sequence),
                                  .found = "no other tokens",
                                  .expected = "at least one"});
}

void Analysis::choose_layers_and_heads() {
  options_.layers = choose_indices(std::move(options_.layers), facts_.layers, "--layers");
  options_.heads = choose_indices(std::move(options_.heads), facts_.heads, "--heads");
}

void Analysis::choose_grid() {
  const auto values = [&](const MapSize& size, int64_t layer) {
    const MapSize of_layer = facts_.in_layer(size, layer);
    return std::min(of_layer.rows, of_layer.cols);
  };
  const int64_t count = values(sizes_.front(), options_.layers.front());
  for (const MapSize& size : sizes_) {
    largest_ = {std::max(largest_.rows, size.rows), std::max(largest_.cols, size.cols)};
    equal_length_ = equal_length_ && std::ranges::all_of(options_.layers, [&](int64_t layer) {
                      return values(size, layer) == count;
                    });
  }
  const int64_t n = equal_length_ ? count : 0;
  grid_ = {.length = n, .points = equal_length_ ? n : kShareGridPoints};
  if (options_.at.empty())
    options_.at = {equal_length_ ? AtPoint{.m = std::max<int64_t>(1, n / 4)} : AtPoint{.share = 0.25}};
  for (const AtPoint& at : options_.at) {
    if (at.m > 0 && equal_length_ && at.m <= n) continue;
    if (at.m == 0 && at.share > 0 && at.share <= 1) continue;
    throw Error(
        ErrorCode::kUsage,
        {.subject = "--at",
         .found = at.label(),
         .expected = equal_length_ ? fmt::format("1 to {} or a share such as 25%", n)
                                   : "a share such as 25%, because sequences or layers differ in length"});
  }
}

void Analysis::choose_controls() {
  std::vector<std::string> once;
  for (const std::string& name : options_.controls) {
    const ControlKind* control = find_control(name);
    if (control == nullptr) {
      throw Error(ErrorCode::kUsage,
                  {.subject = "--control", .found = name, .expected = "the name of a control"});
    }
    if (control->needs_causal && !facts_.causal) {
      throw Error(ErrorCode::kUsage, {.subject = "--control",
                                      .found = name,
                                      .expected = "causal heads; these see both sides",
                                      .remedy = "Leave it out"});
    }
    if (std::ranges::find(once, name) == once.end()) once.push_back(name);
  }
  options_.controls = once;
  if (options_.logits && !facts_.has_logits) {
    throw Error(ErrorCode::kUsage, {.subject = "--logits",
                                    .found = "a source of probabilities only",
                                    .expected = "a checkpoint or --qk"});
  }
}

void Analysis::choose_head_size() {
  int64_t& d = options_.head_size;
  if (d > 0 && facts_.head_size > 0 && d != facts_.head_size) {
    throw Error(ErrorCode::kUsage, {.subject = "--head-size",
                                    .found = std::to_string(d),
                                    .expected = fmt::format("{}, as the input has it", facts_.head_size),
                                    .remedy = "Leave it out"});
  }
  if (d == 0) d = facts_.head_size > 0 ? facts_.head_size : kDefaultHeadSize;
}

RecordLayout Analysis::record_layout() const {
  RecordLayout layout{.series = {"probabilities"},
                      .statistics = statistic_names(options_.at),
                      .sequences = std::ssize(sizes_),
                      .layers = std::ssize(options_.layers),
                      .heads = std::ssize(options_.heads),
                      .points = grid_.points,
                      .band_points = {}};
  if (options_.centred) layout.series.emplace_back("centred");
  if (options_.logits) layout.series.emplace_back("logits");
  for (const std::string& control : options_.controls) layout.series.push_back(control);
  for (int64_t i = 1; i <= kBandPoints; ++i) {
    const int64_t point = std::max<int64_t>(1, grid_.points * i / kBandPoints) - 1;
    if (layout.band_points.empty() || layout.band_points.back() < point) layout.band_points.push_back(point);
  }
  return layout;
}

LayerAnalysisOptions Analysis::layer_options() const {
  LayerAnalysisOptions options{
      .method = options_.method,
      .at = options_.at,
      .grid = grid_,
      .layers = options_.layers,
      .heads = options_.heads,
      .centred = options_.centred,
      .logits = options_.logits,
      .controls = options_.controls,
      .control = {.seed = options_.seed, .causal = facts_.causal, .head_size = options_.head_size},
      .seed = options_.seed,
      .verify = options_.verify};
  std::erase_if(options.controls,
                [](const std::string& name) { return find_control(name)->needs_checkpoint; });
  return options;
}

SpectraFile::Layout Analysis::spectra_layout() const {
  SpectraFile::Layout layout{.layers = options_.layers, .heads = options_.heads, .lengths = {}};
  for (const MapSize& size : sizes_) layout.lengths.push_back(std::min(size.rows, size.cols));
  return layout;
}

SpectrumResult Analysis::describe() const {
  SpectrumResult result;
  result.layers = options_.layers;
  result.heads = options_.heads;
  result.causal = facts_.causal;
  result.equal_length = equal_length_;
  result.length = grid_.length;
  result.at = equal_length_ ? options_.at.front().index(grid_.length) : 0;
  result.at_share = equal_length_ ? static_cast<double>(result.at) / static_cast<double>(grid_.length)
                                  : options_.at.front().share;
  return result;
}

}  // namespace linformer
