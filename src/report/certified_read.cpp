// SPDX-License-Identifier: MIT
#include "report/certified_read.h"

#include <limits>

namespace linformer {
namespace {

// Null where an end was not finite.
Interval read_interval(const Field& field) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return field.interval().value_or(Interval{kNone, kNone});
}

void read_point(const Field& field, CertifiedSpectrum& s) {
  const int64_t m = field["m"].integer(), last = s.points.empty() ? 0 : s.points.back();
  if (m <= last) field["m"].fail("numbers that ascend from 1 on");
  s.points.push_back(m);
  s.values.push_back(field["sigma"].number_or_nan());
  s.sigma.push_back(read_interval(field["sigma_interval"]));
  s.sure_sigma.push_back(read_interval(field["sigma_sure_interval"]));
  s.energy.push_back(read_interval(field["energy_interval"]));
  s.sure_energy.push_back(read_interval(field["energy_sure_interval"]));
  if (s.nuclear_norm) s.cumulative.push_back(read_interval(field["cumulative_interval"]));
}

CertifiedSpectrum read_head(const Field& field) {
  CertifiedSpectrum s;
  s.sequence = field["sequence"].integer();
  s.layer = field["layer"].integer();
  s.head = field["head"].integer();
  s.rows = field["rows"].integer();
  s.cols = field["columns"].integer();
  s.basis = field["basis"].integer();
  s.within_tolerance = field["within_tolerance"].boolean();
  s.squared_norm = field["squared_norm"].number_or_nan();
  s.row_entropy = field["row_entropy"].number_or_nan();
  s.residual_bound = field["residual_bound"].number_or_nan();
  s.nuclear_norm = field["nuclear_norm_interval"].interval();
  for (const Field& point : field["at"].items()) read_point(point, s);
  if (s.values.empty()) field["at"].fail("at least one m");
  return s;
}

}  // namespace

std::vector<CertifiedSpectrum> read_certified(const Field& certified) {
  std::vector<CertifiedSpectrum> spectra;
  for (const Field& head : certified.items()) spectra.push_back(read_head(head));
  return spectra;
}

}  // namespace linformer
