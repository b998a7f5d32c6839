// SPDX-License-Identifier: MIT
#include "base/random.h"

#include <cmath>
#include <numbers>

namespace linformer {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return c;
}

// counter = (block number, purpose, index low, index high)
Random::Random(const RandomStream& s)
    : key_{static_cast<uint32_t>(s.seed), static_cast<uint32_t>(s.seed >> 32)},
      counter_{0, s.purpose, static_cast<uint32_t>(s.index), static_cast<uint32_t>(s.index >> 32)} {}

uint32_t Random::bits() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint32_t Random::below(uint32_t bound) {
  uint64_t product = uint64_t{bits()} * bound;
  if (static_cast<uint32_t>(product) < bound) {
    const uint32_t threshold = (0u - bound) % bound;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{bits()} * bound;
  }
  return static_cast<uint32_t>(product >> 32);
}

float Random::uniform() { return static_cast<float>((bits() >> 8) + 1) * 0x1p-24f; }

float Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const float radius = std::sqrt(-2.0f * std::log(uniform()));
  const float angle = 2.0f * std::numbers::pi_v<float> * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

}  // namespace linformer
