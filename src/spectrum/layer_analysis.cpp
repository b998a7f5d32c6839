// SPDX-License-Identifier: MIT
#include "spectrum/layer_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/index.h"
#include "base/random.h"
#include "base/stride.h"
#include "base/threads.h"

namespace linformer {
namespace {

constexpr uint32_t kVerifyPurpose = 0x7E51;

// Adds the time from its making to its end.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(Clock::now() - begin_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point begin_ = Clock::now();
};

double largest_difference(std::span<const double> a, std::span<const double> b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

std::vector<MatrixView<const float>> as_const(const std::vector<MatrixView<float>>& matrices) {
  return {matrices.begin(), matrices.end()};
}

}  // namespace

MatrixView<float> drop_positions(MatrixView<float> p, std::span<const int32_t> dropped, bool normalise) {
  const auto kept = [&](int64_t i) {
    return !std::binary_search(dropped.begin(), dropped.end(), static_cast<int32_t>(i));
  };
  MatrixView<float> out{p.data, 0, p.cols - std::ssize(dropped), p.stride};
  for (int64_t i = 0; i < p.rows; ++i) {
    if (!kept(i)) continue;
    float* const to = out.row(out.rows++);
    int64_t count = 0;
    for (int64_t j = 0; j < p.cols; ++j) {
      if (kept(j)) to[count++] = p.row(i)[j];
    }
    const double sum = normalise ? std::accumulate(to, to + count, 0.0) : 1.0;
    if (sum == 0) {
      throw Error(ErrorCode::kInput, {.subject = "--drop-special-tokens",
                                      .item = fmt::format("row {}", i),
                                      .found = "no weight on any other token",
                                      .expected = "some, to be normalised again",
                                      .remedy = "Leave it out for this model"});
    }
    std::for_each(to, to + count, [&](float& x) { x = static_cast<float>(x / sum); });
  }
  return out;
}

LayerAnalysis::LayerAnalysis(LayerAnalysisOptions options, const SourceFacts& facts, Records& records,
                             SpectraFile* spectra, Run& run)
    : options_(std::move(options)),
      facts_(facts),
      records_(records),
      spectra_(spectra),
      run_(run),
      measurement_(options_.method, options_.at, options_.grid, run),
      oracle_("gesdd-f64", options_.at, options_.grid, run),
      controls_(options_.control, run) {}

int64_t LayerAnalysis::buffer_bytes(int64_t sequences, MapSize size) const {
  const int64_t matrices = sequences * std::ssize(options_.heads);
  return measurement_.buffer_bytes(matrices, size.rows, size.cols) +
         (options_.verify > 0 ? oracle_.buffer_bytes(matrices, size.rows, size.cols) : 0) +
         (options_.controls.empty() ? 0 : controls_.buffer_bytes(size.rows, size.cols));
}

LayerWants LayerAnalysis::wants(int64_t layer) const {
  if (!std::binary_search(options_.layers.begin(), options_.layers.end(), layer)) return {};
  const int64_t cols =
      facts_.sizes.empty()
          ? 0
          : std::max_element(facts_.sizes.begin(), facts_.sizes.end(),
                             [](const MapSize& a, const MapSize& b) { return a.cols < b.cols; })
                ->cols;
  return {
      .logits = options_.logits && untrained_ == 0, .probabilities = true, .row_stride = padded_stride(cols)};
}

int64_t LayerAnalysis::series(const std::string& name) const {
  const auto& names = records_.layout().series;
  return std::find(names.begin(), names.end(), name) - names.begin();
}

LayerAnalysis::Maps LayerAnalysis::select(const LayerView& view, HeadsView<float> all, bool normalise) const {
  const int64_t layer =
      std::lower_bound(options_.layers.begin(), options_.layers.end(), view.layer) - options_.layers.begin();
  Maps maps;
  for (int64_t b = 0; b < all.batch; ++b) {
    for (size_t h = 0; h < options_.heads.size(); ++h) {
      maps.matrices.push_back(all.matrix(b, options_.heads[h]));
      maps.keys.push_back(
          {.sequence = view.sequences[index(b)], .layer = layer, .head = static_cast<int64_t>(h)});
    }
  }
  if (facts_.dropped.empty()) return maps;
  parallel_for(run_.threads, std::ssize(maps.matrices), [&](int64_t i, int) {
    MatrixView<float>& p = maps.matrices[index(i)];
    p = drop_positions(p, facts_.dropped[index(maps.keys[index(i)].sequence)], normalise);
  });
  return maps;
}

// Random draws go by the numbers in the model, whatever else was chosen.
RecordKey LayerAnalysis::in_model(const RecordKey& key) const {
  RecordKey number = key;
  number.layer = options_.layers[index(key.layer)];
  number.head = options_.heads[index(key.head)];
  return number;
}

void LayerAnalysis::compute(const std::string& series, const Maps& maps, bool centred) {
  try {
    measurement_.compute(as_const(maps.matrices), centred);
  } catch (const NonFiniteEntry& e) {
    const RecordKey key = in_model(maps.keys[index(e.task())]);
    const bool control = find_control(series) != nullptr;
    throw Error(ErrorCode::kInput,
                {.subject = fmt::format("sequence {}, layer {}, head {}", key.sequence, key.layer, key.head),
                 .item = fmt::format("{}, row {}", control ? "control " + series : series, e.row()),
                 .found = "an entry that is not finite",
                 .expected = "finite numbers",
                 .remedy = control ? "Leave this control out: the model's own probabilities are finite"
                                   : "Look for NaN, infinity or overflow in the weights or the file"});
  }
}

// Spectra of the model's own matrices.
void LayerAnalysis::compute_timed(const std::string& series, const Maps& maps, bool centred) {
  const Stopwatch watch(seconds_.singular_values);
  const double idle = measurement_.idle_seconds();
  compute(series, maps, centred);
  seconds_.idle += (measurement_.idle_seconds() - idle) / run_.threads;
}

void LayerAnalysis::begin_pass(int64_t untrained) {
  untrained_ = untrained;
  source_began_ = Clock::now();
}

void LayerAnalysis::on_layer(const LayerView& view) {
  if (!std::binary_search(options_.layers.begin(), options_.layers.end(), view.layer)) return;
  seconds_.forward += std::chrono::duration<double>(Clock::now() - source_began_).count();
  seconds_.softmax += view.softmax_seconds / run_.threads;
  analyse(view);
  source_began_ = Clock::now();
}

void LayerAnalysis::take_moments(const Maps& maps) {
  moments_.resize(maps.matrices.size());
  parallel_for(run_.threads, std::ssize(maps.matrices),
               [&](int64_t i, int) { moments_[index(i)] = map_moments(maps.matrices[index(i)]); });
  entropies_.clear();
  for (const MapMoments& moments : moments_) entropies_.push_back(moments.row_entropy);
}

void LayerAnalysis::analyse(const LayerView& view) {
  const Maps maps = select(view, view.probabilities, true);
  if (untrained_ > 0) {
    const Stopwatch watch(seconds_.controls);
    take_moments(maps);
    compute(kInitControl, maps, false);
    measurement_.record(records_, series(kInitControl), maps.keys, entropies_, false,
                        1.0 / static_cast<double>(untrained_));
    return;
  }
  measure_model(view, maps);
  for (const ControlKind& control : kControls) {
    if (std::ranges::find(options_.controls, control.name) != options_.controls.end()) {
      measure_control(control.name, maps);
    }
  }
}

void LayerAnalysis::measure_model(const LayerView& view, const Maps& maps) {
  compute_timed("probabilities", maps, options_.centred);
  {
    const Stopwatch watch(seconds_.statistics);
    take_moments(maps);
    measurement_.record(records_, series("probabilities"), maps.keys, entropies_, false, 1);
    if (options_.centred) measurement_.record(records_, series("centred"), maps.keys, entropies_, true, 1);
    check_norms();
    keep_spectra(maps);
  }
  verify(maps, options_.centred);
  if (options_.logits) measure_logits(view);
}

void LayerAnalysis::measure_logits(const LayerView& view) {
  const Maps maps = select(view, view.logits, false);
  compute_timed("logits", maps, false);
  {
    const Stopwatch watch(seconds_.statistics);
    measurement_.record(records_, series("logits"), maps.keys, entropies_, false, 1);
  }
  verify(maps, false);
}

void LayerAnalysis::measure_control(const std::string& control, const Maps& maps) {
  const Stopwatch watch(seconds_.controls);
  std::vector<RecordKey> numbers;
  for (const RecordKey& key : maps.keys) numbers.push_back(in_model(key));
  controls_.make(control, maps.matrices, numbers, entropies_);
  std::vector<double> entropies(maps.matrices.size());
  parallel_for(run_.threads, std::ssize(maps.matrices), [&](int64_t i, int) {
    entropies[index(i)] = map_moments(maps.matrices[index(i)]).row_entropy;
  });
  compute(control, maps, false);
  measurement_.record(records_, series(control), maps.keys, entropies, false, 1);
}

// Σσ² = ‖P‖_F², and σ₁ >= ‖P 1‖ / ‖1‖, which is 1 for a square P whose rows sum to 1.
void LayerAnalysis::check_norms() {
  RecordChecks& checks = records_.checks();
  checks.matrices += std::ssize(moments_);
  for (size_t i = 0; i < moments_.size(); ++i) {
    const std::span<const double> values = measurement_.values(i);
    const double norm = moments_[i].squared_norm,
                 sum = std::inner_product(values.begin(), values.end(), values.begin(), 0.0),
                 error = norm > 0 ? std::abs(sum - norm) / norm : sum;
    checks.largest_norm_error = std::max(checks.largest_norm_error, error);
    checks.smallest_sigma1 = std::min(checks.smallest_sigma1, values[0]);
    checks.smallest_sigma1_ratio =
        std::min(checks.smallest_sigma1_ratio, values[0] / moments_[i].sigma1_bound);
  }
}

bool LayerAnalysis::chosen_for_verification(const RecordKey& key) const {
  if (options_.verify <= 0) return false;
  if (key.sequence == 0 && key.layer == 0 && key.head == 0) return true;
  const RecordKey number = in_model(key);
  const uint64_t index = (static_cast<uint64_t>(number.sequence) << 32) |
                         (static_cast<uint64_t>(number.layer) << 16) | static_cast<uint64_t>(number.head);
  return Random({.seed = options_.seed, .purpose = kVerifyPurpose, .index = index}).uniform() <=
         options_.verify;
}

// Compares what measurement_ holds of these maps, and of the centred ones, with f64.
void LayerAnalysis::verify(const Maps& maps, bool centred) {
  const Stopwatch watch(seconds_.verify);
  std::vector<MatrixView<const float>> matrices;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < maps.keys.size(); ++i) {
    if (!chosen_for_verification(maps.keys[i])) continue;
    chosen.push_back(i);
    matrices.push_back(maps.matrices[i]);
  }
  if (chosen.empty()) return;
  oracle_.compute(matrices, centred);
  RecordChecks& checks = records_.checks();
  for (size_t j = 0; j < chosen.size(); ++j) {
    const double sigma1 = oracle_.values(j)[0];
    double difference = largest_difference(measurement_.values(chosen[j]), oracle_.values(j));
    if (centred) {
      difference = std::max(
          difference, largest_difference(measurement_.centred_values(chosen[j]), oracle_.centred_values(j)));
    }
    if (difference > 0) {
      checks.largest_verified_error = std::max(checks.largest_verified_error, difference / sigma1);
    }
  }
  checks.verified += std::ssize(chosen);
}

void LayerAnalysis::keep_spectra(const Maps& maps) {
  if (spectra_ == nullptr) return;
  for (size_t i = 0; i < maps.keys.size(); ++i) {
    spectra_->write(maps.keys[i].sequence, maps.keys[i].layer, maps.keys[i].head, measurement_.values(i));
  }
}

}  // namespace linformer
