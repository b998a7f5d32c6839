// SPDX-License-Identifier: MIT
#include "attention/flash.h"

#include <algorithm>

#include "attention/exact_flops.h"
#include "attention/exact_reference.h"
#include "attention/key_parts.h"
#include "base/error.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/bf16_attention.h"
#include "kernels/fused_attention.h"
#include "kernels/isa.h"

namespace linformer {
namespace {

// Rows of one head that are a thread's piece of work: whole blocks of the kernel, few enough of them that no
// thread waits long for the last one.
int64_t piece_rows(const AttentionShape& s, int64_t block, int64_t parts, int threads) {
  constexpr int64_t kPieces = 32;     // of a thread, at least, where there are blocks for them
  constexpr int64_t kMostGroups = 8;  // in a piece: within it the next group's rows are fetched ahead
  const int64_t blocks = s.batch * s.heads * parts * ((s.queries + block - 1) / block);
  const int64_t share = std::max<int64_t>(1, blocks / (kPieces * threads)),
                group = kFusedAttentionGroup / block;
  return block * (share < group ? share : std::min(share / group, kMostGroups) * group);
}

// Rows of one head over one part of the keys.
struct Piece {
  int64_t b, h, part, first, rows;
};

// Calls f(piece, thread) for pieces of all heads, by a kernel that works on `block` rows together.
template <class F>
void for_each_piece(const AttentionShape& s, int64_t block, int64_t parts, int threads, F&& f) {
  // A rest goes to the last piece: the kernel groups rows from both of its ends, and with pieces of whole
  // blocks but for that one the groups are the same for every number of threads.
  const int64_t rows = piece_rows(s, block, parts, threads), pieces = std::max<int64_t>(1, s.queries / rows);
  parallel_for(threads, s.batch * s.heads * pieces * parts, [&](int64_t i, int thread) {
    const int64_t head = i / (pieces * parts);
    // The last rows of a causal head are the most work; they go first.
    const int64_t piece = pieces - 1 - i / parts % pieces, first = piece * rows;
    f(Piece{.b = head / s.heads,
            .h = head % s.heads,
            .part = i % parts,
            .first = first,
            .rows = piece + 1 < pieces ? rows : s.queries - first},
      thread);
  });
}

void move_values(FusedAttention& call, int64_t keys) { call.v += keys * call.v_stride; }
void move_values(Bf16Attention& call, int64_t keys) {
  call.v = static_cast<const float*>(call.v) + bf16_values_floats(keys, call.value_size);
}

// A call over all keys becomes one over a part of them, whose outputs it leaves in `room`.
template <class Call>
Call over_part(Call call, const KeyParts& parts, const Piece& piece, float* room) {
  if (!parts.divided()) return call;
  const int64_t begin = parts.begin(piece.part), end = parts.end(piece.part);
  call.k += begin * call.k_stride;
  move_values(call, begin);
  if (call.key_bias != nullptr) call.key_bias += begin;
  if (call.distance_bias != nullptr) call.distance_bias += call.keys - end;
  call.keys = end - begin;
  call.past -= begin;
  call.part = parts.place(room, piece.b, piece.h, piece.part);
  return call;
}

template <class T>
void join_parts(const AttentionShape& s, const KeyParts& parts, float* room, HeadsView<T> out, int threads) {
  if (!parts.divided()) return;
  parallel_for(threads, s.batch * s.heads, [&](int64_t head, int) {
    const int64_t b = head / s.heads, h = head % s.heads;
    parts.join(room, b, h, out.matrix(b, h));
  });
}

// Elements of a head's bias as a kernel of so large a block reads it: backwards, and beyond its end.
int64_t bias_floats(const AttentionShape& s, int64_t block) {
  return whole_lines(s.queries + s.keys - 1 + block);
}

// The biases of all heads as a kernel reads them; null where there is none.
const float* reverse_bias(const AttentionShape& s, MatrixView<const float> bias, int64_t block, float* out) {
  if (bias.data == nullptr) return nullptr;
  const int64_t count = s.queries + s.keys - 1, floats = bias_floats(s, block);
  for (int64_t h = 0; h < s.heads; ++h) {
    float* const row = out + h * floats;
    std::reverse_copy(bias.row(h), bias.row(h) + count, row);
    std::fill(row + count, row + floats, 0.0f);
  }
  return out;
}

// Floats of V of a head as the bf16 kernel reads it.
int64_t values_floats(const AttentionShape& s) {
  return whole_lines(bf16_values_floats(s.keys, s.value_size));
}

void refuse_taps(const AttentionTaps& taps) {
  if (taps.any()) {
    throw Error(ErrorCode::kInternal, {.subject = "flash", .found = "asked for P or the logits"});
  }
}

class Flash final : public Mechanism {
 public:
  std::string canonical() const override { return "flash"; }
  MechanismTraits traits() const override {
    return {.causal = true, .key_mask = true, .distance_bias = true, .native_bf16 = has_bf16_products()};
  }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }

  double flops(const AttentionShape& s) const override { return exact_flops(s); }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool) const override {
    const int64_t block = fused_attention_rows();
    const int64_t floats =
        threads * thread_floats(s) + s.heads * bias_floats(s, block) + KeyParts::floats(s, block);
    return floats * static_cast<int64_t>(sizeof(float));
  }

  void prepare(const AttentionShape&, std::span<const float* const>) override {}

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    refuse_taps(taps);
    const int64_t block = fused_attention_rows();
    float* const rooms = reinterpret_cast<float*>(workspace.data());
    float* const biases = rooms + run.threads * thread_floats(s);
    float* const left = biases + s.heads * bias_floats(s, block);
    const float* const bias = reverse_bias(s, in.distance_bias, block, biases);
    const KeyParts parts(s, block);
    for_each_piece(s, block, parts.count(), run.threads, [&](const Piece& piece, int thread) {
      FusedAttention head = head_of(s, in, out, piece.b, piece.h);
      if (bias != nullptr) head.distance_bias = bias + piece.h * bias_floats(s, block);
      fused_attention(over_part(head, parts, piece, left), piece.first, piece.rows,
                      rooms + thread * thread_floats(s));
    });
    join_parts(s, parts, left, out, run.threads);
  }

  int64_t bf16_workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    if (!has_bf16_products()) return Mechanism::bf16_workspace_bytes(s, threads, tapped);
    const int64_t floats = threads * bf16_thread_floats(s) + s.batch * s.heads * values_floats(s) +
                           s.heads * bias_floats(s, kBf16AttentionRows) +
                           KeyParts::floats(s, kBf16AttentionRows);
    return floats * static_cast<int64_t>(sizeof(float));
  }

  void run_bf16(const AttentionShape& s, const Bf16AttentionInput& in, HeadsView<Bf16> out,
                const AttentionTaps& taps, std::span<std::byte> workspace, Run& run) override {
    if (!has_bf16_products()) return Mechanism::run_bf16(s, in, out, taps, workspace, run);
    refuse_taps(taps);
    float* const rooms = reinterpret_cast<float*>(workspace.data());
    float* const values = rooms + run.threads * bf16_thread_floats(s);
    float* const biases = values + s.batch * s.heads * values_floats(s);
    float* const left = biases + s.heads * bias_floats(s, kBf16AttentionRows);
    const float* const bias = reverse_bias(s, in.distance_bias, kBf16AttentionRows, biases);
    const KeyParts parts(s, kBf16AttentionRows);
    parallel_for(run.threads, in.v.batch * in.v.heads, [&](int64_t i, int) {
      const MatrixView<const Bf16> v = in.v.matrix(i / in.v.heads, i % in.v.heads);
      bf16_values(&v.data->bits, v.stride, v.rows, v.cols, values + i * values_floats(s));
    });
    for_each_piece(s, kBf16AttentionRows, parts.count(), run.threads, [&](const Piece& piece, int thread) {
      const auto [b, h, part, first, rows] = piece;
      const int64_t kv = b * in.v.heads + h / (s.heads / in.v.heads);
      Bf16Attention head = head_of(s, in, out, values + kv * values_floats(s), b, h);
      if (bias != nullptr) head.distance_bias = bias + h * bias_floats(s, kBf16AttentionRows);
      bf16_attention(over_part(head, parts, piece, left), first, rows,
                     rooms + thread * bf16_thread_floats(s));
    });
    join_parts(s, parts, left, out, run.threads);
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    return reference_rows(s, in, b, h, rows);
  }

 private:
  static int64_t thread_floats(const AttentionShape& s) {
    return whole_lines(fused_attention_workspace(s.head_size, s.value_size));
  }

  static int64_t bf16_thread_floats(const AttentionShape& s) {
    return whole_lines(bf16_attention_workspace(s.head_size, s.value_size));
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
            .past = s.past,
            .key_bias = in.key_mask.data == nullptr ? nullptr : in.key_mask.row(b)};
  }

  static Bf16Attention head_of(const AttentionShape& s, const Bf16AttentionInput& in, HeadsView<Bf16> out,
                               const float* values, int64_t b, int64_t h) {
    const MatrixView<const Bf16> q = in.q.matrix(b, h), k = in.k.matrix(b, h / (s.heads / in.k.heads));
    const MatrixView<Bf16> o = out.matrix(b, h);
    return {.q = &q.data->bits,
            .k = &k.data->bits,
            .v = values,
            .o = &o.data->bits,
            .q_stride = q.stride,
            .k_stride = k.stride,
            .o_stride = o.stride,
            .queries = s.queries,
            .keys = s.keys,
            .head_size = s.head_size,
            .value_size = s.value_size,
            .scale = s.scale,
            .causal = s.causal,
            .past = s.past,
            .key_bias = in.key_mask.data == nullptr ? nullptr : in.key_mask.row(b)};
  }
};

}  // namespace

std::unique_ptr<Mechanism> make_flash() { return std::make_unique<Flash>(); }

}  // namespace linformer
