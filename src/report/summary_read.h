// SPDX-License-Identifier: MIT
#pragma once

#include "report/field.h"
#include "spectrum/result.h"

namespace linformer {

/// {mean, interval, median, p95, max}; null is NaN, and no interval.
Summary read_summary(const Field& field);

}  // namespace linformer
