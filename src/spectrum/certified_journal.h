// SPDX-License-Identifier: MIT
// What an analysis without P keeps on the disk, so that one that was interrupted can go on: its unit of work
// is a head.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "spectrum/result.h"

namespace linformer {

/// The heads that are finished, of inputs of one or several lengths.
class CertifiedJournal {
 public:
  /// `path` empty: nothing is written. `resume`: begins with what is there; throws the errors of read_journal
  /// then.
  CertifiedJournal(std::string path, std::string identity, bool resume);

  /// From now on heads are those of the input cut to `length` (0: the default). Throws Error(kUsage) where
  /// another input of that length was begun by the run that is resumed.
  void begin_input(int64_t length, const std::string& fingerprint);

  /// Of the input at hand; null: it is not finished.
  const CertifiedSpectrum* find(int64_t sequence, int64_t layer, int64_t head) const;
  /// Keeps a head of the input at hand; writes now and then, so that it costs little of the time.
  void add(const CertifiedSpectrum& spectrum);
  void save();

 private:
  using Clock = std::chrono::steady_clock;
  using Key = std::tuple<int64_t, int64_t, int64_t, int64_t>;  ///< length, sequence, layer, head

  void load();

  std::string path_, identity_;
  int64_t length_ = 0;
  std::map<int64_t, std::string> fingerprints_;  ///< by length
  std::map<Key, CertifiedSpectrum> finished_;
  Clock::time_point last_ = Clock::now();
  double cost_ = 0;  ///< seconds
};

}  // namespace linformer
