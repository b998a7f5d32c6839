// SPDX-License-Identifier: MIT
// Flash attention that tests put a fault into.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attention/mechanism.h"

namespace linformer {

/// Says of itself what flash says; run() is the test's.
class WrappedFlash : public Mechanism {
 public:
  std::string canonical() const override { return right_->canonical(); }
  MechanismTraits traits() const override { return right_->traits(); }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }
  double flops(const AttentionShape& s) const override { return right_->flops(s); }
  int64_t workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    return right_->workspace_bytes(s, threads, tapped);
  }
  void prepare(const AttentionShape&, std::span<const float* const>) override {}
  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    return right_->reference(s, in, b, h, rows);
  }

 protected:
  std::unique_ptr<Mechanism> right_ = make_mechanism("flash");
};

}  // namespace linformer
