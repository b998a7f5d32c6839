// SPDX-License-Identifier: MIT
// Records on the disk while a run goes on.
#pragma once

#include <chrono>
#include <string>

#include "spectrum/records.h"
#include "spectrum/spectra_file.h"

namespace linformer {

/// Writes the records now and then, so that it costs little of the time.
class RecordsJournal {
 public:
  /// `path` empty: it does nothing. `spectra`: what must be on the disk before the records that count on it,
  /// or null. All must outlive it.
  RecordsJournal(std::string path, const Records& records, const SpectraFile* spectra = nullptr)
      : path_(std::move(path)), records_(records), spectra_(spectra) {}

  void after_batch();
  void save();

 private:
  using Clock = std::chrono::steady_clock;

  std::string path_;
  const Records& records_;
  const SpectraFile* spectra_;
  Clock::time_point last_ = Clock::now();
  double cost_ = 0;  ///< seconds
};

}  // namespace linformer
