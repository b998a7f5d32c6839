// SPDX-License-Identifier: MIT
#include "spectrum/records.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/index.h"
#include "io/journal.h"
#include "io/json.h"
#include "io/printable.h"

namespace linformer {
namespace {

// A journal's payload: checks, curves, a byte a planned sequence (1: finished), statistics and bands of each
// finished sequence.
constexpr std::string_view kKind = "LFRECORD";

template <class T>
void take(std::string_view& in, std::vector<T>& values, size_t count) {
  values.resize(count);
  if (count == 0) return;  // data() may be null
  std::memcpy(values.data(), in.data(), count * sizeof(T));
  in.remove_prefix(count * sizeof(T));
}

// Without folders, because the files of a run may have been moved together.
std::string file_name(const std::string& path) {
  return printable(std::filesystem::path(path).filename().string());
}

void require_same_spectra(const std::string& path, const std::string& kept, const std::string& given) {
  if (kept == given) return;
  const std::string option = kept.empty() ? "without --spectra" : "with its --spectra, a file named " + kept;
  throw Error(ErrorCode::kUsage,
              {.subject = path,
               .found = "the journal of an analysis " + option,
               .expected = given.empty() ? "one without --spectra, as now" : "one with --spectra " + given,
               .remedy = "Repeat --resume " + option + ", or begin again with --force"});
}

nlohmann::json to_json(const RecordLayout& l) {
  return {{"series", l.series},          {"statistics", l.statistics}, {"sequences", l.sequences},
          {"layers", l.layers},          {"heads", l.heads},           {"points", l.points},
          {"band_points", l.band_points}};
}

int64_t statistics_size(const RecordLayout& l) {
  return std::ssize(l.series) * l.layers * l.heads * std::ssize(l.statistics);
}

int64_t bands_size(const RecordLayout& l) {
  return std::ssize(l.series) * l.layers * std::ssize(l.band_points);
}

int64_t curves_size(const RecordLayout& l) {
  return std::ssize(l.series) * l.layers * l.heads * 2 * l.points;
}

}  // namespace

Records::Records(std::string identity, RecordLayout layout, const std::string& spectra)
    : identity_(std::move(identity)),
      layout_(std::move(layout)),
      spectra_(file_name(spectra)),
      finished_(index(layout_.sequences)),
      statistics_(index(layout_.sequences)),
      bands_(index(layout_.sequences)),
      curves_(index(curves_size(layout_))) {}

int64_t Records::bytes(const RecordLayout& l) {
  return l.sequences * (statistics_size(l) + bands_size(l)) * static_cast<int64_t>(sizeof(float)) +
         curves_size(l) * static_cast<int64_t>(sizeof(ExactSum));
}

int64_t Records::matrix_index(int64_t series, int64_t layer, int64_t head) const {
  return (series * layout_.layers + layer) * layout_.heads + head;
}

void Records::add(const RecordKey& key, std::span<const double> statistics,
                  std::span<const double> cumulative, std::span<const double> energy, double weight) {
  std::vector<float>& kept = statistics_[index(key.sequence)];
  std::vector<float>& bands = bands_[index(key.sequence)];
  kept.resize(index(statistics_size(layout_)));
  bands.resize(index(bands_size(layout_)));
  const int64_t matrix = matrix_index(key.series, key.layer, key.head);

  float* const out = kept.data() + matrix * std::ssize(layout_.statistics);
  for (size_t i = 0; i < statistics.size(); ++i) out[i] += static_cast<float>(weight * statistics[i]);

  float* const band =
      bands.data() + (key.series * layout_.layers + key.layer) * std::ssize(layout_.band_points);
  const double share = weight / static_cast<double>(layout_.heads);
  for (size_t i = 0; i < layout_.band_points.size(); ++i) {
    band[i] += static_cast<float>(share * cumulative[index(layout_.band_points[i])]);
  }

  ExactSum* const curve = curves_.data() + matrix * 2 * layout_.points;
  for (int64_t m = 0; m < layout_.points; ++m) {
    curve[m].add(weight * cumulative[index(m)]);
    curve[layout_.points + m].add(weight * energy[index(m)]);
  }
}

void Records::finish(int64_t sequence) { finished_[index(sequence)] = true; }

int64_t Records::finished_count() const { return std::count(finished_.begin(), finished_.end(), true); }

float Records::statistic(const RecordKey& key, int64_t statistic) const {
  const int64_t matrix = matrix_index(key.series, key.layer, key.head);
  return statistics_[index(key.sequence)][index(matrix * std::ssize(layout_.statistics) + statistic)];
}

float Records::band(int64_t sequence, int64_t series, int64_t layer, int64_t i) const {
  return bands_[index(sequence)]
               [index((series * layout_.layers + layer) * std::ssize(layout_.band_points) + i)];
}

double Records::cumulative_sum(int64_t series, int64_t layer, int64_t head, int64_t point) const {
  return curves_[index(matrix_index(series, layer, head) * 2 * layout_.points + point)].value();
}

double Records::energy_sum(int64_t series, int64_t layer, int64_t head, int64_t point) const {
  return curves_[index((matrix_index(series, layer, head) * 2 + 1) * layout_.points + point)].value();
}

void Records::save(const std::string& path) const {
  JournalWriter file(path, kKind, identity_, {{"layout", to_json(layout_)}, {"spectra", spectra_}});
  file.write(std::span(&checks_, 1));
  file.write(std::span(curves_));
  file.write(std::string(finished_.begin(), finished_.end()));
  for (int64_t i = 0; i < layout_.sequences; ++i) {
    if (!finished(i)) continue;
    file.write(std::span(statistics_[index(i)]));
    file.write(std::span(bands_[index(i)]));
  }
  file.commit();
}

Records Records::load(const std::string& path, const std::string& identity, const RecordLayout& layout,
                      const std::string& spectra) {
  const Journal journal = read_journal(path, kKind, identity);
  if (journal.header.at("layout") != to_json(layout)) refuse_foreign_journal(path);
  require_same_spectra(path, json_string(journal.header, "spectra", path), file_name(spectra));
  std::string_view in = journal.payload;
  const size_t fixed = sizeof(RecordChecks) + index(curves_size(layout)) * sizeof(ExactSum);
  if (in.size() < fixed + index(layout.sequences)) refuse_damaged_journal(path, "damaged (size)");
  const std::string_view finished = in.substr(fixed, index(layout.sequences));
  const auto done = index(std::count(finished.begin(), finished.end(), '\1'));
  const size_t per_sequence = index(statistics_size(layout) + bands_size(layout)) * sizeof(float);
  if (in.size() != fixed + finished.size() + done * per_sequence)
    refuse_damaged_journal(path, "damaged (size)");

  Records records(identity, layout, spectra);
  std::memcpy(&records.checks_, in.data(), sizeof(RecordChecks));
  in.remove_prefix(sizeof(RecordChecks));
  take(in, records.curves_, index(curves_size(layout)));
  in.remove_prefix(finished.size());
  for (int64_t i = 0; i < layout.sequences; ++i) {
    if (finished[index(i)] != '\1') continue;
    take(in, records.statistics_[index(i)], index(statistics_size(layout)));
    take(in, records.bands_[index(i)], index(bands_size(layout)));
    records.finish(i);
  }
  return records;
}

}  // namespace linformer
