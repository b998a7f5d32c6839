// SPDX-License-Identifier: MIT
// The analysis of a source without its P: every head of every sequence by itself, with certificates.
#pragma once

#include <cstdint>
#include <vector>

#include "model/source.h"
#include "spectrum/certified.h"
#include "spectrum/certified_journal.h"
#include "spectrum/result.h"

namespace linformer {

struct CertifiedAnalysisOptions {
  CertifiedOptions spectrum = {};
  std::vector<int64_t> layers = {}, heads = {};  ///< empty: all
};

/// An analysis that has been checked against its source. The source and the run must outlive it.
class CertifiedAnalysis {
 public:
  /// Throws Error(kUsage) for layers or heads that the source does not have and for one without queries and
  /// keys.
  CertifiedAnalysis(AttentionSource& source, CertifiedAnalysisOptions options, Run& run);

  const CertifiedAnalysisOptions& options() const { return options_; }
  int64_t matrices() const;
  /// Bytes of all buffers, the source's included.
  int64_t required_bytes() const;

  /// Floating-point operations of the products, where every iteration spends all it may.
  double most_operations() const;

  /// Runs all sequences, or until run.stop is requested, which keeps the heads that are finished. `journal`,
  /// whose input is this one, or null: it has the heads that need not be done again, and gets the others.
  SpectrumResult run(CertifiedJournal* journal = nullptr);

 private:
  bool finished(const CertifiedJournal& journal, int64_t sequence) const;
  MapSize largest() const;
  SpectrumResult describe() const;

  AttentionSource& source_;
  CertifiedAnalysisOptions options_;
  Run& run_;
};

/// One result of several runs, over sequences of several lengths, say, in this order: the certified spectra
/// of all of them. There is at least one.
SpectrumResult joined(std::vector<SpectrumResult> results);

}  // namespace linformer
