// SPDX-License-Identifier: MIT
#include "attention/flash.h"

#include <algorithm>

#include "attention/exact_flops.h"
#include "attention/exact_reference.h"
#include "base/error.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/fused_attention.h"

namespace linformer {
namespace {

// Rows of one head that are a thread's piece of work: whole blocks of the kernel, few enough of them that no
// thread waits long for the last one.
int64_t piece_rows(const AttentionShape& s, int threads) {
  constexpr int64_t kPieces = 32;  // of a thread
  const int64_t block = fused_attention_rows();
  const int64_t blocks = s.batch * s.heads * ((s.queries + block - 1) / block);
  return block * std::clamp<int64_t>(blocks / (kPieces * threads), 1, kFusedAttentionGroup / block);
}

// Elements of a head's bias as the kernel reads it: backwards, and beyond its end.
int64_t bias_floats(const AttentionShape& s) {
  return whole_lines(s.queries + s.keys - 1 + fused_attention_rows());
}

class Flash final : public Mechanism {
 public:
  std::string canonical() const override { return "flash"; }
  MechanismTraits traits() const override {
    return {.causal = true, .key_mask = true, .distance_bias = true};
  }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }

  double flops(const AttentionShape& s) const override { return exact_flops(s); }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool) const override {
    const int64_t floats = threads * thread_floats(s) + s.heads * bias_floats(s);
    return floats * static_cast<int64_t>(sizeof(float));
  }

  void prepare(const AttentionShape&, std::span<const float* const>) override {}

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    if (taps.any()) {
      throw Error(ErrorCode::kInternal, {.subject = "flash", .found = "asked for P or the logits"});
    }
    float* const rooms = reinterpret_cast<float*>(workspace.data());
    float* const bias = rooms + run.threads * thread_floats(s);
    if (in.distance_bias.data != nullptr) reverse_bias(s, in.distance_bias, bias);
    // A rest goes to the last piece: the kernel groups rows from both of its ends, and with pieces of whole
    // blocks but for that one the groups are the same for every number of threads.
    const int64_t rows = piece_rows(s, run.threads), pieces = std::max<int64_t>(1, s.queries / rows);
    parallel_for(run.threads, s.batch * s.heads * pieces, [&](int64_t i, int thread) {
      const int64_t b = i / (s.heads * pieces), h = i / pieces % s.heads;
      // The last rows of a causal head are the most work; they go first.
      const int64_t piece = pieces - 1 - i % pieces, first = piece * rows;
      const int64_t count = piece + 1 < pieces ? rows : s.queries - first;
      FusedAttention head = head_of(s, in, out, b, h);
      if (in.distance_bias.data != nullptr) head.distance_bias = bias + h * bias_floats(s);
      fused_attention(head, first, count, rooms + thread * thread_floats(s));
    });
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    return reference_rows(s, in, b, h, rows);
  }

 private:
  static int64_t thread_floats(const AttentionShape& s) {
    return whole_lines(fused_attention_workspace(s.head_size, s.value_size));
  }

  static void reverse_bias(const AttentionShape& s, MatrixView<const float> bias, float* out) {
    const int64_t count = s.queries + s.keys - 1;
    for (int64_t h = 0; h < s.heads; ++h) {
      float* const row = out + h * bias_floats(s);
      std::reverse_copy(bias.row(h), bias.row(h) + count, row);
      std::fill(row + count, row + bias_floats(s), 0.0f);
    }
  }

  static FusedAttention head_of(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out,
                                int64_t b, int64_t h) {
    const int64_t kv = h / (s.heads / in.k.heads);
    const MatrixView<const float> q = in.q.matrix(b, h), k = in.k.matrix(b, kv), v = in.v.matrix(b, kv);
    const MatrixView<float> o = out.matrix(b, h);
    return {.q = q.data,
            .k = k.data,
            .v = v.data,
            .o = o.data,
            .q_stride = q.stride,
            .k_stride = k.stride,
            .v_stride = v.stride,
            .o_stride = o.stride,
            .queries = s.queries,
            .keys = s.keys,
            .head_size = s.head_size,
            .value_size = s.value_size,
            .scale = s.scale,
            .causal = s.causal,
            .key_bias = in.key_mask.data == nullptr ? nullptr : in.key_mask.row(b)};
  }
};

}  // namespace

std::unique_ptr<Mechanism> make_flash() { return std::make_unique<Flash>(); }

}  // namespace linformer
