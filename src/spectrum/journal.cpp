// SPDX-License-Identifier: MIT
#include "spectrum/journal.h"

#include <algorithm>

namespace linformer {
namespace {

constexpr double kJournalSeconds = 30;

}  // namespace

void RecordsJournal::after_batch() {
  const double since = std::chrono::duration<double>(Clock::now() - last_).count();
  if (since > std::max(kJournalSeconds, 20 * cost_)) save();
}

void RecordsJournal::save() {
  if (path_.empty()) return;
  const Clock::time_point begin = Clock::now();
  if (spectra_ != nullptr) spectra_->sync();
  records_.save(path_);
  last_ = Clock::now();
  cost_ = std::chrono::duration<double>(last_ - begin).count();
}

}  // namespace linformer
