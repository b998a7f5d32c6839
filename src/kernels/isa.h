// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// Keeps the kernels from instruction sets beyond "baseline", "avx2", "avx512" or "avx512bf16" (AVX-512 with
/// products of bfloat16 pairs); "auto": no limit. To be called before any kernel. False if this machine lacks
/// the set or the name is unknown.
bool limit_kernel_isa(std::string_view isa);

/// Whether this machine has products of bfloat16 pairs (AVX512_BF16) and no limit keeps the kernels from
/// them.
bool has_bf16_products();

/// The target the kernels use, as Highway names it, e.g. "AVX3".
std::string kernel_target();

}  // namespace linformer
