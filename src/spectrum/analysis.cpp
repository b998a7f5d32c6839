// SPDX-License-Identifier: MIT
#include "spectrum/analysis.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/error.h"
#include "spectrum/conclude.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kShareGridPoints = 128;  // of curves where lengths differ
constexpr int64_t kBandPoints = 32;
constexpr int64_t kFirstLook = 8;  // sequences
constexpr int64_t kBatchTokens = 2048;
constexpr int64_t kDefaultHeadSize = 64;
constexpr double kJournalSeconds = 30;
constexpr const char* kInterrupted = "interrupted";

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

size_t index(int64_t i) { return static_cast<size_t>(i); }

// What a method promises for |σ_i − σ_i(f64)| / σ₁.
double tolerance_of(std::string_view method) { return method == "gesdd" ? 1e-5 : 2e-6; }

SpectrumChecks concluded_checks(const RecordChecks& checks, std::string_view method) {
  const bool any = checks.matrices > 0;
  SpectrumChecks result{
      .matrices = checks.matrices,
      .largest_norm_error = checks.largest_norm_error,
      .smallest_sigma1 = any ? std::optional(checks.smallest_sigma1) : std::nullopt,
      .smallest_sigma1_ratio = any ? std::optional(checks.smallest_sigma1_ratio) : std::nullopt,
      .verified = checks.verified,
      .largest_verified_error = checks.largest_verified_error,
      .tolerance = tolerance_of(method)};
  result.passed = result.norms_passed() && result.sigma1_passed() && result.verified_passed();
  return result;
}

}  // namespace

void discard(const AnalysisFiles& files) {
  if (!files.journal.empty()) ::unlink(files.journal.c_str());
  if (!files.spectra.empty()) ::unlink(SpectraFile::waiting_path(files.spectra).c_str());
}

double look_confidence(int64_t look) { return 1.0 - 0.05 / static_cast<double>(look * (look + 1)); }

// Writes the journal now and then, so that it costs little of the time.
class Analysis::Journal {
 public:
  Journal(std::string path, const Records& records) : path_(std::move(path)), records_(records) {}

  void after_batch() {
    if (seconds_since(last_) > std::max(kJournalSeconds, 20 * cost_)) save();
  }
  void save() {
    if (path_.empty()) return;
    const Clock::time_point begin = Clock::now();
    records_.save(path_);
    cost_ = seconds_since(begin);
    last_ = Clock::now();
  }

 private:
  std::string path_;
  const Records& records_;
  Clock::time_point last_ = Clock::now();
  double cost_ = 0;
};

// The looks of --until-width: when 8, 16, 32 ... sequences are finished, each at its own confidence.
class Analysis::Looks {
 public:
  // `finished`: sequences done before a resume, in batches of `batch`; the looks before the last count as
  // taken.
  Looks(double width, int64_t batch, int64_t finished) : width_(width) {
    for (int64_t done = batch; done < finished; done += batch) take(done);
  }

  // Of the results: that of the last look, or of one more if sequences have been added since.
  double final_confidence(int64_t finished) const {
    if (width_ <= 0) return 0.95;
    return look_confidence(finished == looked_at_ ? look_ : look_ + 1);
  }

  bool narrow_enough(const Records& records, std::span<const int64_t> documents) {
    return take(records.finished_count()) &&
           widest_interval(records, documents, look_confidence(look_)) < width_;
  }

 private:
  // Whether a look is due.
  bool take(int64_t finished) {
    if (width_ <= 0 || finished < next_) return false;
    while (finished >= next_) ++look_, next_ *= 2;
    looked_at_ = finished;
    return true;
  }

  double width_;
  int64_t look_ = 0;        ///< the last one taken
  int64_t looked_at_ = -1;  ///< sequences finished then
  int64_t next_ = kFirstLook;
};

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
  const auto values = [](const MapSize& size) { return std::min(size.rows, size.cols); };
  for (const MapSize& size : sizes_) {
    largest_ = {std::max(largest_.rows, size.rows), std::max(largest_.cols, size.cols)};
    equal_length_ = equal_length_ && values(size) == values(sizes_.front());
  }
  const int64_t n = equal_length_ ? values(sizes_.front()) : 0;
  grid_ = {.length = n, .points = equal_length_ ? n : kShareGridPoints};
  if (options_.at.empty())
    options_.at = {equal_length_ ? AtPoint{.m = std::max<int64_t>(1, n / 4)} : AtPoint{.share = 0.25}};
  for (const AtPoint& at : options_.at) {
    if (at.m > 0 && equal_length_ && at.m <= n) continue;
    if (at.m == 0 && at.share > 0 && at.share <= 1) continue;
    throw Error(ErrorCode::kUsage,
                {.subject = "--at",
                 .found = at.label(),
                 .expected = equal_length_ ? fmt::format("1 to {} or a share such as 25%", n)
                                           : "a share such as 25%, because the sequences differ in length"});
  }
}

void Analysis::choose_controls() {
  std::vector<std::string> once;
  for (const std::string& control : options_.controls) {
    if (std::find(once.begin(), once.end(), control) == once.end()) once.push_back(control);
  }
  options_.controls = once;
  const auto wanted = [&](const char* name) {
    return std::find(options_.controls.begin(), options_.controls.end(), name) != options_.controls.end();
  };
  if (wanted(kCausalUniformControl) && !facts_.causal) {
    throw Error(ErrorCode::kUsage, {.subject = "--control",
                                    .found = kCausalUniformControl,
                                    .expected = "causal heads; these see both sides",
                                    .remedy = "Leave it out"});
  }
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

int64_t Analysis::matrices() const {
  return std::ssize(sizes_) * std::ssize(options_.layers) * std::ssize(options_.heads);
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
  std::erase(options.controls, kInitControl);
  return options;
}

int64_t Analysis::required_bytes(int64_t untrained) const {
  const RecordLayout layout = record_layout();
  Records none("", {});
  const LayerAnalysis visitor(layer_options(), facts_, none, nullptr, run_);
  const int64_t batch = std::min(options_.batch, std::ssize(sizes_));
  MapSize raw;
  for (const MapSize& size : facts_.sizes)
    raw = {std::max(raw.rows, size.rows), std::max(raw.cols, size.cols)};
  return Records::bytes(layout) + visitor.buffer_bytes(batch, largest_) +
         (1 + untrained) * source_.buffer_bytes(batch, raw, visitor.wants(options_.layers.front()));
}

int64_t Analysis::disk_bytes(const AnalysisFiles& files) const {
  int64_t bytes = files.journal.empty() ? 0 : 2 * Records::bytes(record_layout());
  if (!files.spectra.empty()) bytes += 2 * SpectraFile::bytes(spectra_layout());
  return bytes;
}

double Analysis::seconds_per_sequence(std::vector<std::unique_ptr<AttentionSource>>& untrained) {
  Records records("", record_layout());
  LayerAnalysis visitor(layer_options(), facts_, records, nullptr, run_);
  const int64_t first = 0;
  const Clock::time_point begin = Clock::now();
  run_batch({&first, 1}, visitor, untrained);
  return seconds_since(begin);
}

SpectraFile::Layout Analysis::spectra_layout() const {
  SpectraFile::Layout layout{.layers = options_.layers, .heads = options_.heads, .lengths = {}};
  for (const MapSize& size : sizes_) layout.lengths.push_back(std::min(size.rows, size.cols));
  return layout;
}

void Analysis::run_batch(std::span<const int64_t> sequences, LayerAnalysis& visitor,
                         std::vector<std::unique_ptr<AttentionSource>>& untrained) {
  const int64_t layers = options_.layers.back() + 1;
  for (const std::vector<int64_t>& raw : groups_of_equal_size(sequences, facts_.sizes)) {
    for (const std::vector<int64_t>& group : groups_of_equal_size(raw, sizes_)) {
      visitor.set_untrained(0);
      source_.run(group, layers, visitor);
      visitor.set_untrained(std::ssize(untrained));
      for (const auto& model : untrained) model->run(group, layers, visitor);
    }
  }
}

std::string Analysis::run_batches(Records& records, LayerAnalysis& visitor,
                                  std::vector<std::unique_ptr<AttentionSource>>& untrained, Journal& journal,
                                  Looks& looks) {
  const int64_t sequences = std::ssize(sizes_);
  if (run_.progress != nullptr) run_.progress->advance("sequences", records.finished_count(), sequences);
  if (looks.narrow_enough(records, facts_.documents)) return "interval narrow enough";
  for (int64_t first = 0; first < sequences; first += options_.batch) {
    std::vector<int64_t> batch;
    for (int64_t i = first; i < std::min(first + options_.batch, sequences); ++i) {
      if (!records.finished(i)) batch.push_back(i);
    }
    if (batch.empty()) continue;
    if (run_.stopped()) return kInterrupted;
    run_batch(batch, visitor, untrained);
    for (int64_t i : batch) records.finish(i);
    if (run_.progress != nullptr) run_.progress->advance("sequences", records.finished_count(), sequences);
    if (looks.narrow_enough(records, facts_.documents)) return "interval narrow enough";
    journal.after_batch();
  }
  return "all sequences";
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

SpectrumResult Analysis::run(std::vector<std::unique_ptr<AttentionSource>> untrained,
                             const AnalysisFiles& files) {
  const Clock::time_point begin = Clock::now();
  run_.memory.require(required_bytes(std::ssize(untrained)), "the analysis");
  const RecordLayout layout = record_layout();
  const bool resume = files.resume && !files.journal.empty();
  Records records = resume ? Records::load(files.journal, files.identity, layout, files.spectra)
                           : Records(files.identity, layout, files.spectra);
  std::optional<SpectraFile> spectra;
  if (!files.spectra.empty()) spectra.emplace(files.spectra, spectra_layout(), resume);
  LayerAnalysis visitor(layer_options(), facts_, records, spectra ? &*spectra : nullptr, run_);
  Journal journal(files.journal, records);
  Looks looks(options_.until_width, options_.batch, records.finished_count());

  SpectrumResult result = describe();
  result.stopped_because = run_batches(records, visitor, untrained, journal, looks);
  result.complete = result.stopped_because != kInterrupted;
  journal.save();
  if (spectra) spectra->finish(records.finished_count());
  conclude(records, facts_.documents, grid_, looks.final_confidence(records.finished_count()), result);
  result.checks = concluded_checks(records.checks(), options_.method);
  result.seconds = visitor.seconds();
  result.seconds.total = seconds_since(begin);
  result.seconds.forward =
      result.seconds.total - result.seconds.singular_values - result.seconds.controls - result.seconds.verify;
  return result;
}

}  // namespace linformer
