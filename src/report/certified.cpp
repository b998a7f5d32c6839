// SPDX-License-Identifier: MIT
#include "report/certified.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNoProbes = "the nuclear norm was not estimated (--probes 0)";

Json at_json(const CertifiedSpectrum& s, size_t i) {
  Json json = {{"m", s.m(i)}};
  set_number(json, "sigma", s.values[i]);
  set_interval(json, "sigma_interval", s.sigma[i], kNotFinite);
  set_interval(json, "sigma_sure_interval", s.sure_sigma[i], kNotFinite);
  set_interval(json, "energy_interval", s.energy[i], kNotFinite);
  set_interval(json, "energy_sure_interval", s.sure_energy[i], kNotFinite);
  set_interval(json, "cumulative_interval",
               s.cumulative.empty() ? std::nullopt : std::optional(s.cumulative[i]), kNoProbes);
  return json;
}

// Powers of two, and the last.
bool is_reported(const CertifiedSpectrum& s, size_t i) {
  return std::has_single_bit(static_cast<uint64_t>(s.m(i))) || i + 1 == s.values.size();
}

Json head_json(const CertifiedSpectrum& s) {
  Json json = {{"sequence", s.sequence},
               {"layer", s.layer},
               {"head", s.head},
               {"rows", s.rows},
               {"columns", s.cols},
               {"basis", s.basis},
               {"within_tolerance", s.within_tolerance}};
  set_number(json, "squared_norm", s.squared_norm);
  set_number(json, "row_entropy", s.row_entropy);
  set_number(json, "residual_bound", s.residual_bound);
  set_interval(json, "nuclear_norm_interval", s.nuclear_norm, kNoProbes);
  json["at"] = Json::array();
  for (size_t i = 0; i < s.values.size(); ++i) {
    if (is_reported(s, i)) json["at"].push_back(at_json(s, i));
  }
  return json;
}

// Means over the heads of a layer, or of more, of what they all have.
struct Means {
  int64_t rows = 0, layer = 0, heads = 0;
  int64_t m = 0;
  double entropy = 0, sigma1 = 0;
  Interval sure_energy, energy, sigma, cumulative;
  bool has_cumulative = true;
};

void add(Interval& sum, const Interval& interval) {
  sum.low += interval.low;
  sum.high += interval.high;
}

template <class Belongs>
Means means_of(const SpectrumResult& result, Belongs&& belongs) {
  Means means;
  size_t last = std::numeric_limits<size_t>::max();  // that all of them have
  for (const CertifiedSpectrum& s : result.certified)
    if (belongs(s)) last = std::min(last, s.values.size() - 1);
  for (const CertifiedSpectrum& s : result.certified) {
    if (!belongs(s)) continue;
    means.rows = s.rows, means.layer = s.layer, means.m = s.m(last);
    ++means.heads;
    means.entropy += s.row_entropy;
    means.sigma1 += s.values.front();
    add(means.sure_energy, s.sure_energy[last]);
    add(means.energy, s.energy[last]);
    add(means.sigma, s.sigma[last]);
    means.has_cumulative = means.has_cumulative && !s.cumulative.empty();
    if (means.has_cumulative) add(means.cumulative, s.cumulative[last]);
  }
  const auto count = static_cast<double>(means.heads);
  means.entropy /= count;
  means.sigma1 /= count;
  for (Interval* interval : {&means.sure_energy, &means.energy, &means.sigma, &means.cumulative}) {
    interval->low /= count;
    interval->high /= count;
  }
  return means;
}

std::string range(const Interval& interval, int decimals) {
  return fmt::format("{}..{}", fixed(interval.low, decimals), fixed(interval.high, decimals));
}

}  // namespace

nlohmann::ordered_json certified_json(const SpectrumResult& result) {
  Json json = Json::array();
  for (const CertifiedSpectrum& s : result.certified) json.push_back(head_json(s));
  return json;
}

Table certified_table(const SpectrumResult& result) {
  std::vector<std::pair<int64_t, int64_t>> groups;  // rows and layer, as they come
  for (const CertifiedSpectrum& s : result.certified) {
    if (std::ranges::find(groups, std::pair(s.rows, s.layer)) == groups.end()) {
      groups.emplace_back(s.rows, s.layer);
    }
  }
  Table table{.title = "",
              .columns = {{"n"},
                          {"layer"},
                          {"spectra"},
                          {"entropy"},
                          {"σ_1"},
                          {"m"},
                          {"e_m"},
                          {"e_m surely"},
                          {"σ_m"},
                          {"c_m"}},
              .rows = {}};
  for (const auto& [rows, layer] : groups) {
    const Means means = means_of(result, [rows = rows, layer = layer](const CertifiedSpectrum& s) {
      return s.rows == rows && s.layer == layer;
    });
    table.rows.push_back({std::to_string(rows), std::to_string(layer), std::to_string(means.heads),
                          fixed(means.entropy, 2), fixed(means.sigma1, 3), std::to_string(means.m),
                          range(means.energy, 4), range(means.sure_energy, 4), range(means.sigma, 4),
                          means.has_cumulative ? range(means.cumulative, 4) : ""});
  }
  return table;
}

void write_certified_csv(const SpectrumResult& result, const std::function<void(std::string_view)>& write) {
  write(
      "length,sequence,layer,head,m,sigma,sigma_low,sigma_high,sigma_sure_low,sigma_sure_high,energy_low,"
      "energy_high,energy_sure_low,energy_sure_high,cumulative_low,cumulative_high\n");
  for (const CertifiedSpectrum& s : result.certified) {
    std::string rows;
    for (size_t i = 0; i < s.values.size(); ++i) {
      rows += fmt::format("{},{},{},{},{},{}", s.rows, s.sequence, s.layer, s.head, s.m(i),
                          shortest(s.values[i]));
      for (const std::vector<Interval>* list : {&s.sigma, &s.sure_sigma, &s.energy, &s.sure_energy}) {
        rows += fmt::format(",{},{}", shortest((*list)[i].low), shortest((*list)[i].high));
      }
      rows += s.cumulative.empty()
                  ? ",,\n"
                  : fmt::format(",{},{}\n", shortest(s.cumulative[i].low), shortest(s.cumulative[i].high));
    }
    write(rows);
  }
}

std::string certified_headline(const SpectrumResult& result) {
  const auto longest = std::ranges::max_element(result.certified, {}, &CertifiedSpectrum::rows);
  const Means means = means_of(result, [&](const CertifiedSpectrum& s) { return s.rows == longest->rows; });
  std::string text = fmt::format(
      "The first {} singular values at n = {} hold {} of Σσ² (surely {}) on average over {}, at a "
      "confidence of {:.4g} % for each",
      means.m, means.rows, range(means.energy, 3), range(means.sure_energy, 3), counted(means.heads, "head"),
      100 * result.confidence);
  if (means.has_cumulative) text += fmt::format("; and {} of Σσ", range(means.cumulative, 3));
  text += ".";
  if (result.causal) {
    text +=
        " The heads are causal: no Linformer k is recommended for them, because E and F mix future "
        "positions.";
  }
  if (!result.complete) {
    text += fmt::format(" Incomplete: {} of {} sequences.", result.sequences, result.planned_sequences);
  }
  return text;
}

}  // namespace linformer
