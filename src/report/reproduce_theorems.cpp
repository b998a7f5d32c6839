// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "report/against_paper.h"

namespace linformer {
namespace {

std::string named(const TheoremTrial& trial) {
  return fmt::format("Theorem {}, {}, n = {}, ε = {}: k = {}", trial.theorem, trial.head, trial.n,
                     trial.epsilon, trial.k);
}

std::string error_text(const TheoremTrial& trial) {
  return fmt::format("median error {:.2g}; an output of zeros has {:.2g}", trial.median_error,
                     trial.zero_error);
}

void add_rows(std::vector<ReproducedRow>& rows, const TheoremTrial& trial) {
  ReproducedRow row{.what = named(trial) + ", share of draws within ε",
                    .published = trial.promised,
                    .here = trial.kept,
                    .why = error_text(trial)};
  if (trial.vacuous()) {
    row.here.reset();
    row.missing = "vacuous: k is not below n";
    row.why.clear();
  }
  rows.push_back(row);
  if (trial.vacuous() || trial.theorem != 1) return;
  rows.push_back({.what = named(trial) + ", share of rows within ε‖P_i‖‖w‖",
                  .published = trial.promised,
                  .here = trial.rows_kept,
                  .why = "the form that Johnson and Lindenstrauss bound"});
}

std::string finding(const std::vector<TheoremTrial>& trials, int theorem) {
  int64_t tried = 0, held = 0, vacuous = 0, by_zeros = 0;
  for (const TheoremTrial& trial : trials) {
    if (trial.theorem != theorem) continue;
    vacuous += trial.vacuous();
    if (trial.vacuous()) continue;
    ++tried;
    held += trial.kept >= trial.promised;
    by_zeros += trial.zero_error <= trial.epsilon;
  }
  return fmt::format(
      "Theorem {}: vacuous (k not below n) in {} of {} cases; of the {} others its error bound was kept as "
      "often as promised in {}, and an output of zeros keeps it too in {}.",
      theorem, vacuous, vacuous + tried, tried, held, by_zeros);
}

}  // namespace

Reproduction theorems_reproduction(const std::vector<TheoremTrial>& trials) {
  Reproduction reproduction{
      .target = "theorems",
      .title = "Theorems 1 and 2: how large a k promises what error",
      .claim =
          "P is approximated by a matrix of rank 5 ln(n)/(ε² − ε³) (Theorem 1), and attention by one over "
          "min(9 d "
          "ln(d)/ε², 5 ln(nd)/(ε² − ε³)) slots (Theorem 2), within ε and with high probability."};
  for (const TheoremTrial& trial : trials) add_rows(reproduction.rows, trial);
  reproduction.findings = {finding(trials, 1), finding(trials, 2)};
  reproduction.trust = {
      "Theorem 1 bounds the error by ε‖Pw‖; its proof bounds it by ε‖P_i‖‖w‖ row by row, which is far more "
      "where w is "
      "nearly orthogonal to the rows: both are shown.",
      "Theorem 2 is tried with E = δR, F = e^(−δ)R and δ = 2⁻ⁿ, as its proof says; the output then no longer "
      "depends on "
      "the query. It is a device of existence, not a way to begin training.",
      "P and V are in f64; R is drawn anew for each draw."};
  return reproduction;
}

}  // namespace linformer
