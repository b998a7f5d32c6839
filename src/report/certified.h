// SPDX-License-Identifier: MIT
// What is reported of spectra found without P: intervals for singular values, energy and Σσ.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "report/table.h"
#include "spectrum/result.h"

namespace linformer {

/// `results.certified`: an object a head with its intervals at m = 1, 2, 4, … and the last m.
nlohmann::ordered_json certified_json(const SpectrumResult& result);

/// A row per length and layer: entropy, σ₁, and at the last m the intervals of e_m, sure and at the
/// confidence, of σ_m and of c_m; means over heads and sequences of the ends.
Table certified_table(const SpectrumResult& result);

/// All intervals as CSV, a row per head and m, given to `write` a head at a time: length, sequence, layer,
/// head, m, sigma, and the low and high end of each interval. What was not computed is an empty cell.
void write_certified_csv(const SpectrumResult& result, const std::function<void(std::string_view)>& write);

/// What was found of the longest sequences, in a sentence.
std::string certified_headline(const SpectrumResult& result);

}  // namespace linformer
