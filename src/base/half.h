// SPDX-License-Identifier: MIT
// Half-precision formats to f32, exactly; subnormals, infinities and NaN included.
#pragma once

#include <bit>
#include <cstdint>

namespace linformer {

inline float f32_from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// IEEE 754 binary16. The exponent is moved by a multiplication, which also normalises subnormals.
inline float f32_from_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  const bool special = (bits & 0x7c00u) == 0x7c00u;  // infinity or NaN keeps an all-ones exponent
  const float value = special ? std::bit_cast<float>(magnitude | 0x7f800000u)
                              : std::bit_cast<float>(magnitude) * std::bit_cast<float>(0x77800000u);  // 2^112
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | sign);
}

}  // namespace linformer
