// SPDX-License-Identifier: MIT
#include "spectrum/certified_journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "io/journal.h"
#include "io/json.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKind = "LFFREE01";
constexpr double kJournalSeconds = 30;

Json to_json(const Interval& interval) { return {interval.low, interval.high}; }

Json to_json(const std::vector<Interval>& intervals) {
  Json json = Json::array();
  for (const Interval& interval : intervals) json.push_back(to_json(interval));
  return json;
}

Interval interval_of(const Json& json) { return {json.at(0).get<double>(), json.at(1).get<double>()}; }

std::vector<Interval> intervals_of(const Json& json) {
  std::vector<Interval> intervals;
  for (const Json& interval : json) intervals.push_back(interval_of(interval));
  return intervals;
}

Json to_json(const CertifiedSpectrum& s) {
  return {{"sequence", s.sequence},
          {"layer", s.layer},
          {"head", s.head},
          {"rows", s.rows},
          {"cols", s.cols},
          {"squared_norm", s.squared_norm},
          {"row_entropy", s.row_entropy},
          {"sigma1_bound", s.sigma1_bound},
          {"residual_bound", s.residual_bound},
          {"basis", s.basis},
          {"within_tolerance", s.within_tolerance},
          {"values", s.values},
          {"sure_energy", to_json(s.sure_energy)},
          {"energy", to_json(s.energy)},
          {"sure_sigma", to_json(s.sure_sigma)},
          {"sigma", to_json(s.sigma)},
          {"nuclear_norm", s.nuclear_norm ? to_json(*s.nuclear_norm) : Json()},
          {"cumulative", to_json(s.cumulative)}};
}

CertifiedSpectrum spectrum_of(const Json& json) {
  CertifiedSpectrum s;
  for (const auto& [name, to] : {std::pair{"sequence", &s.sequence},
                                 {"layer", &s.layer},
                                 {"head", &s.head},
                                 {"rows", &s.rows},
                                 {"cols", &s.cols},
                                 {"basis", &s.basis}}) {
    json.at(name).get_to(*to);
  }
  for (const auto& [name, to] : {std::pair{"squared_norm", &s.squared_norm},
                                 {"row_entropy", &s.row_entropy},
                                 {"sigma1_bound", &s.sigma1_bound},
                                 {"residual_bound", &s.residual_bound}}) {
    json.at(name).get_to(*to);
  }
  for (const auto& [name, to] : {std::pair{"sure_energy", &s.sure_energy},
                                 {"energy", &s.energy},
                                 {"sure_sigma", &s.sure_sigma},
                                 {"sigma", &s.sigma},
                                 {"cumulative", &s.cumulative}}) {
    *to = intervals_of(json.at(name));
  }
  json.at("within_tolerance").get_to(s.within_tolerance);
  json.at("values").get_to(s.values);
  const Json& norm = json.at("nuclear_norm");
  if (!norm.is_null()) s.nuclear_norm = interval_of(norm);
  return s;
}

}  // namespace

CertifiedJournal::CertifiedJournal(std::string path, std::string identity, bool resume)
    : path_(std::move(path)), identity_(std::move(identity)) {
  if (!resume) return;
  try {
    load();
  } catch (const Json::exception&) {  // its checksum holds, so another version of the program wrote it
    refuse_damaged_journal(path_, "damaged (contents)");
  }
}

void CertifiedJournal::load() {
  const Journal journal = read_journal(path_, kKind, identity_);
  for (const Json& input : journal.header.at("inputs")) {
    fingerprints_[input.at("length").get<int64_t>()] = input.at("fingerprint").get<std::string>();
  }
  for (std::string_view in = journal.payload; !in.empty();) {
    const size_t end = in.find('\n');
    const Json json = parse_json(in.substr(0, end), path_);
    CertifiedSpectrum s = spectrum_of(json.at("spectrum"));
    const Key key{json.at("length").get<int64_t>(), s.sequence, s.layer, s.head};
    finished_.emplace(key, std::move(s));
    in.remove_prefix(std::min(in.size(), end == std::string_view::npos ? in.size() : end + 1));
  }
}

void CertifiedJournal::begin_input(int64_t length, const std::string& fingerprint) {
  length_ = length;
  if (fingerprints_.try_emplace(length, fingerprint).first->second != fingerprint) {
    refuse_foreign_journal(path_);
  }
}

const CertifiedSpectrum* CertifiedJournal::find(int64_t sequence, int64_t layer, int64_t head) const {
  const auto found = finished_.find({length_, sequence, layer, head});
  return found == finished_.end() ? nullptr : &found->second;
}

void CertifiedJournal::add(const CertifiedSpectrum& spectrum) {
  finished_.emplace(Key{length_, spectrum.sequence, spectrum.layer, spectrum.head}, spectrum);
  const double since = std::chrono::duration<double>(Clock::now() - last_).count();
  if (since > std::max(kJournalSeconds, 20 * cost_)) save();
}

void CertifiedJournal::save() {
  if (path_.empty()) return;
  const Clock::time_point begin = Clock::now();
  Json inputs = Json::array();
  for (const auto& [length, fingerprint] : fingerprints_) {
    inputs.push_back({{"length", length}, {"fingerprint", fingerprint}});
  }
  JournalWriter file(path_, kKind, identity_, {{"inputs", std::move(inputs)}});
  for (const auto& [key, spectrum] : finished_) {
    file.write(Json{{"length", std::get<0>(key)}, {"spectrum", to_json(spectrum)}}.dump() + "\n");
  }
  file.commit();
  last_ = Clock::now();
  cost_ = std::chrono::duration<double>(last_ - begin).count();
}

}  // namespace linformer
