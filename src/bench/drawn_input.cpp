// SPDX-License-Identifier: MIT
#include "bench/drawn_input.h"

#include <algorithm>

#include "base/random_fill.h"

namespace linformer {
namespace {

enum Purpose : uint32_t { kIds = 0xa0, kStates };

}  // namespace

DrawnInput::DrawnInput(const Architecture& a, const BenchCell& largest, uint64_t seed, Run& run)
    : vocabulary_(a.vocabulary), length_(largest.length), width_(a.width), seed_(seed), run_(run) {
  const int64_t tokens = largest.batch * length_;
  if (vocabulary_ == 0) {
    states_ = Buffer<float>(run.memory, tokens * width_, "hidden states");
  } else {
    ids_ = Buffer<int32_t>(run.memory, tokens, "token ids");
    for (int64_t i = 0; i < largest.batch; ++i)
      sequences_.emplace_back(ids_.data() + i * length_, static_cast<size_t>(length_));
  }
  draw_again();
}

void DrawnInput::draw_again() {
  // Far enough apart for the pieces of the largest states.
  const uint64_t first = drawn_++ << 32;
  Random random({.seed = seed_, .purpose = kIds, .index = first});
  std::generate_n(ids_.data(), ids_.size(),
                  [&] { return static_cast<int32_t>(random.below(static_cast<uint32_t>(vocabulary_))); });
  fill_normal({states_.data(), static_cast<size_t>(states_.size())}, 1,
              {.seed = seed_, .purpose = kStates, .index = first}, run_.threads);
}

ModelInput DrawnInput::of(const BenchCell& cell) const {
  if (vocabulary_ > 0) return TokenBatch(sequences_).first(static_cast<size_t>(cell.batch));
  return StateBatch{.states = {states_.data(), cell.batch * length_, width_, width_}, .batch = cell.batch};
}

int64_t DrawnInput::bytes(const Architecture& a, const BenchCell& cell) {
  const int64_t of_token = a.vocabulary > 0 ? static_cast<int64_t>(sizeof(int32_t))
                                            : a.width * static_cast<int64_t>(sizeof(float));
  return cell.batch * cell.length * of_token;
}

}  // namespace linformer
