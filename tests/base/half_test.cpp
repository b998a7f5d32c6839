// SPDX-License-Identifier: MIT
#include "base/half.h"

#include <cmath>
#include <limits>

#include "catch.h"

namespace linformer {
namespace {

// The value of a binary format with these numbers of bits, from IEEE 754's definition; NaN apart.
double reference(uint32_t bits, int exponent_bits, int fraction_bits) {
  const uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  const int most = (1 << exponent_bits) - 1;
  const int exponent = static_cast<int>(bits >> fraction_bits) & most;
  const int bias = most / 2;
  const double sign = (bits >> (exponent_bits + fraction_bits) & 1) != 0 ? -1 : 1;
  if (exponent == most) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp((1u << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

// Patterns of 16 bits whose conversion differs from the reference, sign of zero included.
template <class Convert>
int differences(Convert convert, int exponent_bits, int fraction_bits) {
  int count = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float ours = convert(static_cast<uint16_t>(bits));
    const double truth = reference(bits, exponent_bits, fraction_bits);
    const bool same = std::isnan(truth)
                          ? std::isnan(ours)
                          : static_cast<double>(ours) == truth && std::signbit(ours) == std::signbit(truth);
    count += same ? 0 : 1;
  }
  return count;
}

TEST_CASE("every f16 pattern is converted exactly") { CHECK(differences(f32_from_f16, 5, 10) == 0); }

TEST_CASE("every bf16 pattern is converted exactly") { CHECK(differences(f32_from_bf16, 8, 7) == 0); }

TEST_CASE("landmarks of f16") {
  CHECK(f32_from_f16(0x3c00) == 1.0f);
  CHECK(f32_from_f16(0xc000) == -2.0f);
  CHECK(f32_from_f16(0x7bff) == 65504.0f);
  CHECK(f32_from_f16(0x0001) == 0x1p-24f);
  CHECK(f32_from_f16(0x03ff) == 1023 * 0x1p-24f);
  CHECK(f32_from_f16(0x0400) == 0x1p-14f);
  CHECK(f32_from_f16(0xfc00) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f32_from_f16(0x7c01)));
}

TEST_CASE("landmarks of bf16") {
  CHECK(f32_from_bf16(0x3f80) == 1.0f);
  CHECK(f32_from_bf16(0xc000) == -2.0f);
  CHECK(f32_from_bf16(0x0001) == 0x1p-133f);
  CHECK(f32_from_bf16(0x7f80) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(f32_from_bf16(0xffc0)));
}

TEST_CASE("every bf16 pattern comes back from f32, NaN as a NaN") {
  int count = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Bf16 x{static_cast<uint16_t>(bits)};
    const float wide = f32_from(x);
    const bool same =
        std::isnan(wide) ? std::isnan(f32_from(bf16_from(wide))) : bf16_from(wide).bits == x.bits;
    count += same ? 0 : 1;
  }
  CHECK(count == 0);
}

TEST_CASE("f32 becomes the nearest bf16, the even one where two are as near") {
  CHECK(bf16_from(1 + 0x1.fffp-9f).bits == 0x3f80);
  CHECK(bf16_from(1 + 0x1p-8f).bits == 0x3f80);
  CHECK(bf16_from(1 + 0x1.002p-8f).bits == 0x3f81);
  CHECK(bf16_from(1 + 0x3p-8f).bits == 0x3f82);
  CHECK(bf16_from(-1 - 0x3p-8f).bits == 0xbf82);
  CHECK(bf16_from(0x1p-134f).bits == 0);
  CHECK(bf16_from(0x1.8p-134f).bits == 1);
  CHECK(bf16_from(-0.0f).bits == 0x8000);
  // Beyond the largest finite one, and a NaN whose upper half alone would be an infinity.
  CHECK(bf16_from(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(bf16_from(0x1.fep127f).bits == 0x7f7f);
  CHECK(std::isnan(f32_from(bf16_from(std::bit_cast<float>(0x7f800001u)))));
}

}  // namespace
}  // namespace linformer
