// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// Keeps the kernels from instruction sets beyond "baseline", "avx2", "avx512", "avx512bf16" (AVX-512 with
/// products of bfloat16 pairs) or "amx" (that with products of bfloat16 tiles); "auto": no limit. Not to be
/// called while a kernel runs. False if this machine lacks the set or the name is unknown.
bool limit_kernel_isa(std::string_view isa);

/// What the kernels multiply bfloat16 with: pairs (AVX512_BF16) or tiles of 16 x 32 (AMX-BF16), sums being
/// f32.
enum class Bf16Products { kNone, kPairs, kTiles };

/// The fastest that this machine has, or what the limit says. None where converting to f32 is faster: with
/// the pairs of Intel's cores, unless the limit asks for them.
Bf16Products bf16_products();

/// Whether there are any.
bool has_bf16_products();

/// The target the kernels use, as Highway names it, e.g. "AVX3".
std::string kernel_target();

}  // namespace linformer
