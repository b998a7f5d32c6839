// SPDX-License-Identifier: MIT
// What an analysis found, as plain values; report/ writes it, cli/ shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/order_statistics.h"

namespace linformer {

/// SpectrumResult::stopped_because where nothing stopped it.
inline constexpr const char* kAllSequences = "all sequences";

/// Fewer sampling units than this give no interval and no verdict, and fewer documents than this are not the
/// units.
inline constexpr int64_t kLeastUnits = 5;

/// One statistic of a head, a layer or the model. Mean and interval: heads are averaged within a sequence,
/// sequences within a unit. Quantiles: over all pairs of sequence and head. All NaN if no sequence was
/// analysed.
struct Summary {
  double mean = 0;
  std::optional<Interval> interval = {};  ///< at SpectrumResult::confidence; none with too few units
  double median = 0;
  double p95 = 0;
  double max = 0;
};

/// Means over sequences of the cumulative curves; empty if there are no sequences.
struct Curves {
  std::vector<double> cumulative;  ///< c_m
  std::vector<double> energy;      ///< e_m
};

/// Summaries in the order of SpectrumResult::statistics, and where the mean cumulative and energy curves
/// reach 90, 95 and 99 % (m; 0 where the spectrum is zero).
struct StatisticsOf {
  std::vector<Summary> statistics;
  /// k90, k95, k99 of σ, then of σ²; empty where lengths differ or no sequence was analysed.
  std::vector<int64_t> mean_curve_k;
  Curves curves;  ///< at SpectrumResult::curves_at
};

/// Quantiles over sequences of a layer's cumulative curve (heads averaged), at SpectrumResult::band_grid;
/// empty if there are no sequences.
struct Band {
  std::vector<double> p5, p50, p95;
};

/// One kind of matrix: the model's probabilities, the same centred, the logits, or a control.
struct SeriesResult {
  std::string
      name;  ///< "probabilities", "centred", "logits", "matched", "permuted", "causal-uniform", "init"
  StatisticsOf model;
  std::vector<StatisticsOf> layers;              ///< [layer]
  std::vector<std::vector<StatisticsOf>> heads;  ///< [layer][head]
  std::vector<Curves> layer_curves;              ///< [layer], at SpectrumResult::grid
  std::vector<std::vector<Curves>> head_curves;  ///< [layer][head], at SpectrumResult::grid
  std::vector<Band> layer_bands;                 ///< [layer]
};

/// Smaller differences of a cumulative value are no verdict, however sure they are.
inline constexpr double kLeastDifference = 0.001;

enum class Verdict { kLowerRank, kSameRank, kHigherRank, kTooFewUnits };

/// Per-sequence differences, probabilities minus control, of the cumulative value at the first M.
struct Comparison {
  std::string control;
  Summary model;
  std::vector<Summary> layers;              ///< [layer]
  std::vector<std::vector<Summary>> heads;  ///< [layer][head]
  std::vector<Verdict> verdicts;            ///< [layer], by the layer's interval
};

/// Of the intervals of a CertifiedSpectrum that are not sure, all of a head together.
inline constexpr double kCertifiedConfidence = 0.99;

/// The leading singular values of one head's P, found without P, and intervals for them; lists are for the m
/// of `points`.
struct CertifiedSpectrum {
  int64_t sequence = 0, layer = 0, head = 0;  ///< numbers in the source
  int64_t rows = 0, cols = 0;
  double squared_norm = 0;    ///< ‖P‖_F²
  double row_entropy = 0;     ///< mean over rows, nats
  double sigma1_bound = 0;    ///< ‖Pᵀ1‖ / ‖1‖, which σ₁ cannot be below
  double residual_bound = 0;  ///< of ‖P − QQᵀP‖₂, Q the basis
  int64_t basis = 0;          ///< vectors of it
  bool within_tolerance = false;
  std::vector<int64_t> points = {};  ///< empty: 1, 2, 3, …; a report has some of them
  int64_t m(size_t i) const { return points.empty() ? static_cast<int64_t>(i) + 1 : points[i]; }
  std::vector<double> values;                 ///< Ritz values: not above σ_m, but for rounding
  std::vector<Interval> sure_energy, energy;  ///< of e_m
  std::vector<Interval> sure_sigma, sigma;    ///< of σ_m
  std::optional<Interval> nuclear_norm;       ///< of Σσ
  std::vector<Interval> cumulative;           ///< of c_m; empty without nuclear_norm
};

/// A map's levels: l > 0 stands for peak · 2^((l − kTopLevel) / kLevelsPerOctave), 0 for less.
inline constexpr int kTopLevel = 255, kLevelsPerOctave = 16;

/// The means of blocks of one head's P, as levels below the largest of them.
struct AttentionMap {
  double peak = 0;
  std::vector<uint8_t> levels;  ///< [block_rows · block_columns] of its layer, row by row
};

struct LayerMaps {
  int64_t rows = 0, columns = 0;              ///< of P
  int64_t block_rows = 0, block_columns = 0;  ///< of the map
  std::vector<AttentionMap> heads;            ///< [head]
};

/// Every head's map on one sequence.
struct AttentionMaps {
  int64_t sequence = 0, document = 0;  ///< numbers in the source
  std::vector<LayerMaps> layers;       ///< [layer]
};

/// Per-sequence slopes of the cumulative value at the first M over the layers, by least squares: what a layer
/// further up has more, on average.
struct LayerSlope {
  std::string of;  ///< "probabilities", or "probabilities - CONTROL"
  Summary slope;
};

/// Of Σσ² against ‖P‖_F², and of σ₁ against its bound, relative.
inline constexpr double kNormTolerance = 1e-5;

/// Checks made in the run itself; see METHODS.md.
struct SpectrumChecks {
  int64_t matrices = 0;                         ///< spectra of the model's own P
  double largest_norm_error = 0;                ///< max |Σσ² − ‖P‖_F²| / ‖P‖_F²
  std::optional<double> smallest_sigma1;        ///< none if there were no matrices
  std::optional<double> smallest_sigma1_ratio;  ///< of σ₁ to ‖P 1‖ / ‖1‖, which it cannot be below
  int64_t verified = 0;                         ///< matrices computed again in f64
  double largest_verified_error = 0;  ///< max |σ_i − σ_i(f64)| / σ₁ over these, centred P too
  double tolerance = 0;               ///< what the method promises for the latter
  bool passed = false;                ///< all three

  bool norms_passed() const { return largest_norm_error <= kNormTolerance; }
  bool sigma1_passed() const {
    return !smallest_sigma1_ratio || *smallest_sigma1_ratio >= 1 - kNormTolerance;
  }
  bool verified_passed() const { return largest_verified_error <= tolerance; }
};

/// Wall-clock seconds by phase.
struct SpectrumSeconds {
  double load = 0;
  double forward = 0;          ///< the sources: forward passes, untrained ones included, or reading
  double softmax = 0;          ///< of forward: turning logits into P, on average over the threads
  double singular_values = 0;  ///< of P, centred P and logits
  double idle = 0;             ///< of singular_values: that threads waited for others, on average
  double statistics = 0;       ///< their entropies, statistics and checks
  double controls = 0;         ///< making the controls, their singular values and statistics
  double verify = 0;
  double total = 0;

  /// Of the time of singular values; 0 where there was none.
  double idle_share() const { return singular_values > 0 ? idle / singular_values : 0; }
};

struct SpectrumResult {
  std::vector<int64_t> layers;          ///< which layers of the model, from 0
  std::vector<int64_t> heads;           ///< which heads
  std::vector<std::string> statistics;  ///< e.g. "cumulative_at_128", "k90_sigma", "effective_rank"
  int64_t at = 0;                       ///< the first M; 0 where sequences differ in length
  double at_share = 0;                  ///< M / n
  bool equal_length = true;
  int64_t length = 0;             ///< n if equal, of P after dropping special tokens
  std::vector<double> grid;       ///< m = 1..n, or m/n where lengths differ
  std::vector<double> band_grid;  ///< a part of it
  std::vector<double> curves_at;  ///< another, of some 64
  int64_t sequences = 0;          ///< analysed
  int64_t planned_sequences = 0;
  bool complete = true;
  int64_t units = 0;
  std::string unit;                  ///< "document" or "block of sequences"
  double confidence = 0.95;          ///< of every interval; higher after looks at --until-width
  bool causal = false;               ///< the heads are causal
  std::vector<SeriesResult> series;  ///< probabilities first
  std::vector<Comparison> comparisons;
  std::vector<CertifiedSpectrum> certified;     ///< of each head, where P was not made
  std::vector<LayerSlope> layer_slopes;         ///< none of a single layer
  std::optional<AttentionMaps> attention_maps;  ///< if they were asked for
  SpectrumChecks checks;
  SpectrumSeconds seconds;
  std::string stopped_because;  ///< "all sequences", "interval narrow enough", "interrupted"
};

}  // namespace linformer
