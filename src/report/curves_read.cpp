// SPDX-License-Identifier: MIT
// What spectrum_csv.cpp wrote, a curve at a time.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/error.h"
#include "io/printable.h"
#include "report/spectrum_read.h"

namespace linformer {
namespace {

enum Column { kLayer, kHead, kSeries, kStatistic, kM, kValue, kColumns };
using Row = std::array<std::string_view, kColumns>;

class CurvesReader {
 public:
  CurvesReader(const std::string& subject, SpectrumResult& result) : subject_(subject), result_(result) {}

  void read(std::string_view text) {
    for (line_ = 1; !text.empty(); ++line_) {
      const size_t end = std::min(text.find('\n'), text.size());
      const Row row = split(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      line_ == 1 ? read_header(row) : read_row(row);
    }
    keep_curve();
    require_every_layer();
  }

 private:
  [[noreturn]] void fail(std::string_view found, std::string expected) const {
    throw Error(ErrorCode::kInput, {.subject = subject_,
                                    .item = fmt::format("line {}", line_),
                                    .found = printable(found),
                                    .expected = std::move(expected)});
  }

  Row split(std::string_view line) const {
    Row row;
    std::string_view rest = line;
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t comma = rest.find(',');
      if ((comma == rest.npos) != (i == kValue)) fail(line, fmt::format("{} columns", row.size()));
      row[i] = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma, rest.size() - 1) + 1);
    }
    return row;
  }

  double number(std::string_view text) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) fail(text, "a number");
    return value;
  }

  size_t index(std::string_view text, const std::vector<int64_t>& numbers, const char* what) const {
    for (size_t i = 0; i < numbers.size(); ++i)
      if (text == std::to_string(numbers[i])) return i;
    fail(text, fmt::format("a {} of the report", what));
  }

  void read_header(const Row& row) const {
    const char* const m = result_.equal_length ? "m" : "m_over_n";
    if (row != Row{"layer", "head", "series", "statistic", m, "value"})
      fail(row[kM], fmt::format("the header layer,head,series,statistic,{},value", m));
  }

  void read_row(const Row& row) {
    if (!std::equal(row.begin(), row.begin() + kM, of_.begin())) {
      keep_curve();
      of_ = row;
    }
    m_.push_back(number(row[kM]));
    values_.push_back(row[kValue].empty() ? std::numeric_limits<double>::quiet_NaN() : number(row[kValue]));
  }

  // The curve whose rows are over.
  void keep_curve() {
    if (values_.empty()) return;
    const bool band = of_[kStatistic].starts_with("cumulative_p");
    std::vector<double>& grid = band ? result_.band_grid : result_.grid;
    if (grid.empty()) grid = m_;
    if (m_ != grid) fail(of_[kStatistic], "the same m as in the curves before, just before this line");
    place() = std::move(values_);
    values_.clear();
    m_.clear();
  }

  std::vector<double>& place() {
    const auto series = std::ranges::find(result_.series, of_[kSeries], &SeriesResult::name);
    if (series == result_.series.end()) fail(of_[kSeries], "a series of the report");
    const size_t layer = index(of_[kLayer], result_.layers, "layer");
    if (!of_[kHead].empty()) {
      series->head_curves.resize(result_.layers.size(), std::vector<Curves>(result_.heads.size()));
      return curve(series->head_curves[layer][index(of_[kHead], result_.heads, "head")]);
    }
    series->layer_curves.resize(result_.layers.size());
    if (!of_[kStatistic].starts_with("cumulative_p")) return curve(series->layer_curves[layer]);
    series->layer_bands.resize(result_.layers.size());
    return quantile(series->layer_bands[layer]);
  }

  std::vector<double>& curve(Curves& curves) const {
    if (of_[kStatistic] == "cumulative") return curves.cumulative;
    if (of_[kStatistic] == "energy") return curves.energy;
    fail(of_[kStatistic], "cumulative or energy");
  }

  std::vector<double>& quantile(Band& band) const {
    if (of_[kStatistic] == "cumulative_p5") return band.p5;
    if (of_[kStatistic] == "cumulative_p50") return band.p50;
    if (of_[kStatistic] == "cumulative_p95") return band.p95;
    fail(of_[kStatistic], "cumulative_p5, cumulative_p50 or cumulative_p95");
  }

  // A file that was cut off lacks the last ones.
  void require_every_layer() const {
    for (const SeriesResult& series : result_.series) {
      const bool whole = std::ranges::none_of(series.layer_curves,
                                              [](const Curves& layer) { return layer.cumulative.empty(); });
      if (!whole) fail("the end", fmt::format("curves of every layer of {}", series.name));
    }
  }

  const std::string& subject_;
  SpectrumResult& result_;
  int64_t line_ = 0;
  Row of_;  ///< the curve that the rows are of
  std::vector<double> m_, values_;
};

}  // namespace

void read_curves_csv(std::string_view text, const std::string& subject, SpectrumResult& result) {
  CurvesReader(subject, result).read(text);
}

}  // namespace linformer
