// SPDX-License-Identifier: MIT
#include "spectrum/certified_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/index.h"

namespace linformer {
namespace {

constexpr const char* kInterrupted = "interrupted";

// Rows of m without the dropped ones, in `kept`.
MatrixView<const float> keep_rows(MatrixView<const float> m, const std::vector<int32_t>& dropped,
                                  std::vector<float>& kept) {
  kept.clear();
  for (int64_t i = 0; i < m.rows; ++i) {
    if (std::binary_search(dropped.begin(), dropped.end(), static_cast<int32_t>(i))) continue;
    kept.insert(kept.end(), m.row(i), m.row(i) + m.cols);
  }
  return {kept.data(), std::ssize(kept) / m.cols, m.cols, m.cols};
}

// Positions before and after one piece of a sequence of length n.
void require_ends(const std::vector<int32_t>& dropped, int64_t n) {
  int64_t first = 0;
  while (first < std::ssize(dropped) && dropped[index(first)] == first) ++first;
  const int64_t after = std::ssize(dropped) - first;
  if (after == 0 || dropped[index(first)] == n - after) return;
  throw Error(ErrorCode::kUnsupported, {.subject = "--drop-special-tokens",
                                        .found = "special tokens within a sequence, whose logits have a "
                                                 "bias by distance",
                                        .expected = "special tokens at its ends",
                                        .remedy = "Leave it out, or take --method fast"});
}

const float* bias_of(const LayerView& view, int64_t head) {
  if (view.distance_bias.data != nullptr) return view.distance_bias.row(head);
  throw Error(ErrorCode::kInternal,
              {.subject = "certified analysis", .found = "a source that keeps its biases to itself"});
}

// Analyses each head that it is shown until it is stopped.
class Visitor final : public LayerVisitor {
 public:
  Visitor(const CertifiedAnalysisOptions& options, const SourceFacts& facts, CertifiedJournal* journal,
          SpectrumResult& result, Run& run)
      : options_(options), facts_(facts), journal_(journal), result_(result), run_(run) {}

  /// The heads of a sequence that the journal has all of.
  void take(int64_t sequence) {
    for (const int64_t layer : options_.layers) {
      for (const int64_t head : options_.heads) keep(*journal_->find(sequence, layer, head));
    }
  }

  LayerWants wants(int64_t layer) const override { return {.queries_and_keys = chosen(layer)}; }

  void on_layer(const LayerView& view) override {
    if (!chosen(view.layer)) return;
    result_.seconds.forward += seconds_since(source_began_);
    for (int64_t b = 0; b < view.q.batch; ++b) {
      for (const int64_t head : options_.heads) analyse(view, b, head);
    }
    source_began_ = Clock::now();
  }

 private:
  bool chosen(int64_t layer) const { return std::ranges::binary_search(options_.layers, layer); }

  // Special tokens that are cut out of P, whose rows are normalised again, are left out of Q and K. What is
  // left of a biased head must be one piece, so that distances stay.
  AttentionOperator::Head head_of(const LayerView& view, int64_t b, int64_t head) {
    AttentionOperator::Head h{.q = view.q.matrix(b, head),
                              .k = view.k.matrix(b, head / (facts_.heads / view.k.heads)),
                              .scale = static_cast<float>(facts_.scales[index(view.layer)]),
                              .causal = facts_.causal};
    if (facts_.has_bias) h.distance_bias = bias_of(view, head);
    if (facts_.dropped.empty()) return h;
    const std::vector<int32_t>& dropped = facts_.dropped[index(view.sequences[index(b)])];
    if (h.distance_bias != nullptr) {
      require_ends(dropped, h.q.rows);
      h.distance_bias += std::ssize(dropped);
    }
    h.q = keep_rows(h.q, dropped, kept_q_);
    h.k = keep_rows(h.k, dropped, kept_k_);
    return h;
  }

  void analyse(const LayerView& view, int64_t b, int64_t head) {
    const int64_t sequence = view.sequences[index(b)];
    const CertifiedSpectrum* const known =
        journal_ == nullptr ? nullptr : journal_->find(sequence, view.layer, head);
    if (known != nullptr) return keep(*known);
    if (run_.stopped()) return;
    const Clock::time_point begin = Clock::now();
    const auto number = static_cast<uint64_t>((sequence * facts_.layers + view.layer) * facts_.heads + head);
    std::optional<CertifiedSpectrum> spectrum;
    try {
      spectrum = certified_spectrum(head_of(view, b, head), options_.spectrum, number, run_);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kInput) throw;
      ErrorDetail detail = e.detail();
      detail.subject = fmt::format("sequence {}, layer {}, head {}", sequence, view.layer, head);
      throw Error(e.code(), detail);
    }
    result_.seconds.singular_values += seconds_since(begin);
    if (!spectrum) return;
    spectrum->sequence = sequence, spectrum->layer = view.layer, spectrum->head = head;
    if (journal_ != nullptr) journal_->add(*spectrum);
    keep(*std::move(spectrum));
  }

  void keep(CertifiedSpectrum spectrum) {
    result_.certified.push_back(std::move(spectrum));
    if (run_.progress == nullptr) return;
    run_.progress->advance(
        "heads", std::ssize(result_.certified),
        std::ssize(facts_.sizes) * std::ssize(options_.layers) * std::ssize(options_.heads));
  }

  const CertifiedAnalysisOptions& options_;
  const SourceFacts& facts_;
  CertifiedJournal* journal_;
  SpectrumResult& result_;
  Run& run_;
  std::vector<float> kept_q_, kept_k_;
  Clock::time_point source_began_ = Clock::now();
};

// ‖B‖_F <= ‖P‖_F and σ₁ >= ‖Pᵀ1‖/‖1‖, for what was computed of each head.
SpectrumChecks checks_of(const std::vector<CertifiedSpectrum>& spectra) {
  SpectrumChecks checks;
  checks.matrices = std::ssize(spectra);
  for (const CertifiedSpectrum& s : spectra) {
    double energy = 0;
    for (const double value : s.values) energy += value * value;
    const double sigma1 = s.sigma.front().high;
    checks.largest_norm_error = std::max(checks.largest_norm_error, energy / s.squared_norm - 1);
    checks.smallest_sigma1 = std::min(checks.smallest_sigma1.value_or(sigma1), sigma1);
    const double ratio = sigma1 / s.sigma1_bound;
    checks.smallest_sigma1_ratio = std::min(checks.smallest_sigma1_ratio.value_or(ratio), ratio);
  }
  checks.passed = checks.norms_passed() && checks.sigma1_passed();
  return checks;
}

}  // namespace

CertifiedAnalysis::CertifiedAnalysis(AttentionSource& source, CertifiedAnalysisOptions options, Run& run)
    : source_(source), options_(std::move(options)), run_(run) {
  const SourceFacts& facts = source.facts();
  options_.layers = choose_indices(std::move(options_.layers), facts.layers, "--layers");
  options_.heads = choose_indices(std::move(options_.heads), facts.heads, "--heads");
  if (!facts.has_logits) {
    throw Error(ErrorCode::kUsage, {.subject = "--method matrix-free",
                                    .found = "a source of probabilities only",
                                    .expected = "a checkpoint or --qk",
                                    .remedy = "Leave it out: P is in the file anyway"});
  }
}

int64_t CertifiedAnalysis::matrices() const {
  return std::ssize(source_.facts().sizes) * std::ssize(options_.layers) * std::ssize(options_.heads);
}

MapSize CertifiedAnalysis::largest() const {
  MapSize largest;
  for (const MapSize& size : source_.facts().sizes) {
    largest = {std::max(largest.rows, size.rows), std::max(largest.cols, size.cols)};
  }
  return largest;
}

int64_t CertifiedAnalysis::required_bytes() const {
  const MapSize size = largest();
  return source_.buffer_bytes(1, size, {.queries_and_keys = true}) +
         certified_bytes(size.rows, size.cols, source_.facts().head_size, options_.spectrum, run_.threads);
}

double CertifiedAnalysis::most_operations() const {
  const SourceFacts& facts = source_.facts();
  double operations = 0;
  for (const MapSize& size : facts.sizes) {
    operations += certified_operations(size.rows, size.cols, facts.head_size, options_.spectrum);
  }
  return operations * static_cast<double>(options_.layers.size() * options_.heads.size());
}

SpectrumResult CertifiedAnalysis::describe() const {
  const SourceFacts& facts = source_.facts();
  SpectrumResult result;
  result.layers = options_.layers;
  result.heads = options_.heads;
  result.causal = facts.causal;
  result.planned_sequences = std::ssize(facts.sizes);
  result.unit = "document";
  result.confidence = kCertifiedConfidence;
  result.stopped_because = kAllSequences;
  return result;
}

bool CertifiedAnalysis::finished(const CertifiedJournal& journal, int64_t sequence) const {
  return std::ranges::all_of(options_.layers, [&](int64_t layer) {
    return std::ranges::all_of(options_.heads,
                               [&](int64_t head) { return journal.find(sequence, layer, head) != nullptr; });
  });
}

SpectrumResult CertifiedAnalysis::run(CertifiedJournal* journal) {
  const Clock::time_point begin = Clock::now();
  run_.memory.require(required_bytes(), "the analysis");
  SpectrumResult result = describe();
  const SourceFacts& facts = source_.facts();
  for (int64_t i = 0; i < std::ssize(facts.sizes); ++i) {
    Visitor visitor(options_, facts, journal, result, run_);
    if (journal != nullptr && finished(*journal, i)) {
      visitor.take(i);
    } else {
      source_.run({&i, 1}, options_.layers.back() + 1, visitor);
    }
    if (run_.stopped() &&
        std::ssize(result.certified) < (i + 1) * std::ssize(options_.layers) * std::ssize(options_.heads)) {
      result.complete = false;
      result.stopped_because = kInterrupted;
      break;
    }
    result.sequences = i + 1;
  }
  result.seconds.total = seconds_since(begin);
  std::vector<SpectrumResult> one;
  one.push_back(std::move(result));
  return joined(std::move(one));
}

SpectrumResult joined(std::vector<SpectrumResult> results) {
  SpectrumResult all = std::move(results.front());
  for (size_t i = 1; i < results.size(); ++i) {
    SpectrumResult& next = results[i];
    all.certified.insert(all.certified.end(), std::make_move_iterator(next.certified.begin()),
                         std::make_move_iterator(next.certified.end()));
    all.sequences += next.sequences;
    all.planned_sequences += next.planned_sequences;
    all.complete = all.complete && next.complete;
    if (!next.complete) all.stopped_because = next.stopped_because;
    all.seconds.forward += next.seconds.forward;
    all.seconds.singular_values += next.seconds.singular_values;
    all.seconds.total += next.seconds.total;
  }
  const auto length = [](const CertifiedSpectrum& s) { return std::min(s.rows, s.cols); };
  const std::vector<CertifiedSpectrum>& spectra = all.certified;
  all.equal_length = std::ranges::all_of(
      spectra, [&](const CertifiedSpectrum& s) { return length(s) == length(spectra.front()); });
  all.length = spectra.empty() || !all.equal_length ? 0 : length(spectra.front());
  all.at = spectra.empty() || !all.equal_length ? 0 : std::ssize(spectra.front().values);
  all.at_share = all.length > 0 ? static_cast<double>(all.at) / static_cast<double>(all.length) : 0;
  all.checks = checks_of(spectra);
  return all;
}

}  // namespace linformer
