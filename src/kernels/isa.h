// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// Keeps the kernels from instruction sets beyond "baseline", "avx2" or "avx512"; "auto": no limit. To be
/// called before any kernel. False if this machine lacks the set or the name is unknown.
bool limit_kernel_isa(std::string_view isa);

/// The target the kernels use, as Highway names it, e.g. "AVX3".
std::string kernel_target();

}  // namespace linformer
