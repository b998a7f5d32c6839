// SPDX-License-Identifier: MIT
#pragma once

#include <omp.h>

namespace linformer {

/// Whether threads stay on the CPUs that they began on (OMP_PROC_BIND).
inline bool threads_are_bound() { return omp_get_proc_bind() != omp_proc_bind_false; }

}  // namespace linformer
