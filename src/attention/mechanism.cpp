// SPDX-License-Identifier: MIT
// Input in bf16 for mechanisms that multiply f32: copies of Q, K and V, and O rounded at the end.
#include "attention/mechanism.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/stride.h"
#include "base/threads.h"

namespace linformer {
namespace {

int64_t heads_floats(const AttentionShape& s, int64_t rows, int64_t cols) {
  return whole_lines(s.batch * s.heads * rows * cols);
}

// Of Q, K, V and O, K and V with as many heads as Q.
int64_t copies_bytes(const AttentionShape& s) {
  const int64_t floats = heads_floats(s, s.queries, s.head_size) + heads_floats(s, s.keys, s.head_size) +
                         heads_floats(s, s.keys, s.value_size) + heads_floats(s, s.queries, s.value_size);
  return floats * static_cast<int64_t>(sizeof(float));
}

template <class From, class To, class Convert>
void convert(HeadsView<From> from, HeadsView<To> to, int threads, Convert one) {
  parallel_for(threads, from.batch * from.heads, [&](int64_t task, int) {
    const int64_t b = task / from.heads, h = task % from.heads;
    const MatrixView<From> source = from.matrix(b, h);
    const MatrixView<To> target = to.matrix(b, h);
    for (int64_t i = 0; i < source.rows; ++i)
      std::transform(source.row(i), source.row(i) + source.cols, target.row(i), one);
  });
}

template <class T>
HeadsView<float> dense_like(HeadsView<T> like, float* data) {
  const int64_t head = like.rows * like.cols;
  return {data, like.batch, like.heads, like.rows, like.cols, like.heads * head, head, like.cols};
}

// Room in front of a workspace, for a tensor like that one, which is shortened by it.
template <class T>
HeadsView<float> take(std::span<std::byte>& workspace, HeadsView<T> like) {
  const HeadsView<float> view = dense_like(like, reinterpret_cast<float*>(workspace.data()));
  const int64_t floats = whole_lines(like.batch * like.heads * like.rows * like.cols);
  workspace = workspace.subspan(static_cast<size_t>(floats) * sizeof(float));
  return view;
}

// One head in f32, whichever is asked for.
HeadsView<const float> widened_head(HeadsView<const Bf16> in, int64_t b, int64_t h,
                                    std::vector<float>& room) {
  const MatrixView<const Bf16> head = in.matrix(b, h);
  room.reserve(static_cast<size_t>(head.rows * head.cols));
  for (int64_t i = 0; i < head.rows; ++i)
    std::transform(head.row(i), head.row(i) + head.cols, std::back_inserter(room), f32_from);
  return {room.data(), in.batch, in.heads, in.rows, in.cols, 0, 0, in.cols};
}

}  // namespace

int64_t Mechanism::bf16_workspace_bytes(const AttentionShape& s, int threads, bool tapped) const {
  return copies_bytes(s) + workspace_bytes(s, threads, tapped);
}

void Mechanism::run_bf16(const AttentionShape& s, const Bf16AttentionInput& in, HeadsView<Bf16> out,
                         const AttentionTaps& taps, std::span<std::byte> workspace, Run& run) {
  const auto widened = [&](HeadsView<const Bf16> from) {
    const HeadsView<float> to = take(workspace, from);
    convert(from, to, run.threads, f32_from);
    return to;
  };
  AttentionInput copies{.q = widened(in.q),
                        .k = widened(in.k),
                        .v = {},
                        .distance_bias = in.distance_bias,
                        .key_mask = in.key_mask};
  HeadsView<float> o;
  if (in.v.data != nullptr) {
    copies.v = widened(in.v);
    o = take(workspace, out);
  }
  this->run(s, copies, o, taps, workspace, run);
  if (in.v.data != nullptr) convert(HeadsView<const float>(o), out, run.threads, bf16_from);
}

ReferenceRows Mechanism::reference_bf16(const AttentionShape& s, const Bf16AttentionInput& in, int64_t b,
                                        int64_t h, std::span<const int64_t> rows) const {
  const int64_t kv = h / (s.heads / in.k.heads);
  std::vector<float> q, k, v;
  return reference(s,
                   {.q = widened_head(in.q, b, h, q),
                    .k = widened_head(in.k, b, kv, k),
                    .v = widened_head(in.v, b, kv, v),
                    .distance_bias = in.distance_bias,
                    .key_mask = in.key_mask},
                   b, h, rows);
}

}  // namespace linformer
