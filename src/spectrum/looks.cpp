// SPDX-License-Identifier: MIT
#include "spectrum/looks.h"

namespace linformer {

double look_confidence(int64_t look) { return 1.0 - 0.05 / static_cast<double>(look * (look + 1)); }

Looks::Looks(int64_t batch, int64_t finished) {
  for (int64_t done = batch; done < finished; done += batch) take(done);
}

bool Looks::take(int64_t finished) {
  if (finished < next_) return false;
  while (finished >= next_) ++look_, next_ *= 2;
  looked_at_ = finished;
  return true;
}

double Looks::final_confidence(int64_t finished) const {
  return look_confidence(finished == looked_at_ ? look_ : look_ + 1);
}

}  // namespace linformer
