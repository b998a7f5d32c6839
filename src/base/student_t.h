// SPDX-License-Identifier: MIT
#pragma once

namespace linformer {

/// The t with P(T <= t) = p for Student's t with `freedom` >= 1 degrees of freedom, 0 < p < 1; relative error
/// below 1e-8. Throws Error(kInternal) for other arguments.
double student_t_quantile(double p, double freedom);

}  // namespace linformer
