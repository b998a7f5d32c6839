// SPDX-License-Identifier: MIT
// Rotary positions (Su et al. 2021) in the half-split form: element i and f + i of each head are a pair.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

struct RotaryKeys {
  int64_t head_size = 0;
  const char* share_key = "partial_rotary_factor";
  double share = 1;  ///< of each head that is rotated, where the config does not say
  const char* base_key = "rope_theta";
};

/// The frequencies base^(−2i/r), i < r/2, of the r rotated elements of a head, with linear or Llama 3's
/// scaling where config.json asks for it ("rope_parameters", formerly "rope_scaling"). Throws
/// Error(kUnsupported) for other scalings, Error(kInput) for values that make no sense.
std::vector<float> rotary_frequencies(const nlohmann::json& config, const std::string& subject,
                                      const RotaryKeys& keys);

/// Sines and cosines for positions 0, 1, ...
class RotaryTable {
 public:
  /// Makes ready for n positions; angles are products in f32, as the reference implementation has them.
  void prepare(int64_t n, const std::vector<float>& frequencies, MemoryAccount& account);
  /// Rotates row i of every head of x [b, h, n, d] in place as position i.
  void rotate(HeadsView<float> x, int threads) const;

 private:
  int64_t positions_ = 0, frequencies_ = 0;
  Buffer<float> table_;  ///< [positions][cosines, sines][frequencies]
};

}  // namespace linformer
