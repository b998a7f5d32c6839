// SPDX-License-Identifier: MIT
#include "base/threads.h"

namespace linformer {

void set_thread_count(int threads) { omp_set_num_threads(threads); }

}  // namespace linformer
