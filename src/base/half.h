// SPDX-License-Identifier: MIT
// Half-precision formats to f32, exactly, and bfloat16 from it; subnormals, infinities and NaN included.
#pragma once

#include <bit>
#include <cstdint>

namespace linformer {

inline float f32_from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// A bfloat16 as an element of tensors: the upper half of an f32.
struct Bf16 {
  uint16_t bits = 0;
};
inline float f32_from(Bf16 x) { return f32_from_bf16(x.bits); }

/// The nearest, the even one of two that are as near; NaN stays NaN.
inline Bf16 bf16_from(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
  return {static_cast<uint16_t>((nan ? bits | 0x400000u : rounded) >> 16)};
}

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
