// SPDX-License-Identifier: MIT
#include "attention/standard.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "attention/exact_flops.h"
#include "attention/exact_reference.h"
#include "base/clock.h"
#include "base/dnn.h"
#include "base/error.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/softmax.h"

namespace linformer {
namespace {

// A block of P is about half a MiB, which a core's second-level cache holds beside K and V.
constexpr int64_t kBlockFloats = 128 * 1024;
constexpr int64_t kLeastRows = 16, kMostRows = 512;

// Rows of P worked on at a time.
int64_t block_rows(const AttentionShape& s) {
  return std::clamp<int64_t>(kBlockFloats / std::max<int64_t>(s.keys, 1) / 16 * 16, kLeastRows, kMostRows);
}

// What any number of keys up to these takes: padding adds at most 31 to each.
int64_t block_floats(const AttentionShape& s) {
  return std::max(kLeastRows * padded_stride(s.keys),
                  std::min(kMostRows * padded_stride(s.keys), kBlockFloats + 31 * kMostRows));
}

// S = Q Kᵀ for `rows` queries.
Product::Sizes score_sizes(const AttentionShape& s, int64_t rows, int64_t q, int64_t k, int64_t p) {
  return {.m = rows,
          .n = s.keys,
          .k = s.head_size,
          .a_stride = q,
          .b_stride = k,
          .c_stride = p,
          .b_transposed = true};
}

// O = P V for them.
Product::Sizes output_sizes(const AttentionShape& s, int64_t rows, int64_t p, int64_t v, int64_t o) {
  return {.m = rows,
          .n = s.value_size,
          .k = s.keys,
          .a_stride = p,
          .b_stride = v,
          .c_stride = o,
          .b_transposed = false};
}

// oneDNN (2.6 with AVX512_BF16) takes more for dense matrices, which those that are handed out may be.
int64_t scratch_bytes(const AttentionShape& s) {
  const int64_t rows = block_rows(s), d = s.head_size;
  int64_t most = 0;
  for (const int64_t p : {padded_stride(s.keys), s.keys}) {
    most = std::max(most, Product::scratch_bytes(score_sizes(s, rows, d, d, p)));
    if (s.value_size == 0) continue;
    most = std::max(most, Product::scratch_bytes(output_sizes(s, rows, p, s.value_size, s.value_size)));
  }
  return most;
}

int64_t block_bytes(const AttentionShape& s) {
  return whole_lines(block_floats(s)) * static_cast<int64_t>(sizeof(float));
}

// P of all heads.
int64_t map_bytes(const AttentionShape& s) {
  const int64_t rows = s.batch * s.heads * s.queries;
  return whole_lines(rows * padded_stride(s.keys)) * static_cast<int64_t>(sizeof(float));
}

// Rows [first, first + rows) of one head of one sequence.
struct Block {
  int64_t sequence, head, first, rows;
};

struct Call {
  const AttentionShape& s;
  const AttentionInput& in;
  HeadsView<float> out;
  const AttentionTaps& taps;
  HeadsView<float> p;  ///< of all heads; no data where a block at a time is enough
};

class Standard final : public Mechanism {
 public:
  std::string canonical() const override { return "standard"; }
  MechanismTraits traits() const override {
    return {.causal = true,
            .key_mask = true,
            .distance_bias = true,
            .probabilities = true,
            .keeps_probabilities = true};
  }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }

  double flops(const AttentionShape& s) const override { return exact_flops(s); }

  int64_t workspace_bytes(const AttentionShape& s, int threads, bool tapped) const override {
    return threads * scratch_bytes(s) + (tapped ? threads * block_bytes(s) : map_bytes(s));
  }

  void prepare(const AttentionShape&, std::span<const float* const>) override {}

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    products_.resize(std::max(products_.size(), static_cast<size_t>(run.threads)));
    const int64_t rows = block_rows(s), blocks = (s.queries + rows - 1) / rows;
    const bool tapped = taps.any();
    require_workspace(workspace_bytes(s, run.threads, tapped), workspace);
    const auto scratch = static_cast<size_t>(scratch_bytes(s));
    const std::span<std::byte> maps = workspace.subspan(static_cast<size_t>(run.threads) * scratch);
    const Call call{s, in, out, taps, tapped ? taps.probabilities : all_maps(s, maps)};
    std::vector<double> softmax_seconds(static_cast<size_t>(run.threads));
    parallel_for(run.threads, s.batch * s.heads * blocks, [&](int64_t i, int thread) {
      const int64_t first = i % blocks * rows;
      const Block block{.sequence = i / (s.heads * blocks),
                        .head = i / blocks % s.heads,
                        .first = first,
                        .rows = std::min(rows, s.queries - first)};
      const auto index = static_cast<size_t>(thread);
      const Worker worker{.products = products_[index],
                          .scratch = workspace.subspan(index * scratch, scratch),
                          .block = tapped ? block_of(maps, s, thread) : nullptr,
                          .memory = run.memory,
                          .softmax_seconds = softmax_seconds[index]};
      run_block(call, block, worker);
    });
    if (taps.softmax_seconds == nullptr) return;
    *taps.softmax_seconds += std::accumulate(softmax_seconds.begin(), softmax_seconds.end(), 0.0);
  }

  ReferenceRows reference(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                          std::span<const int64_t> rows) const override {
    return reference_rows(s, in, b, h, rows);
  }

 private:
  // What a thread has to itself.
  struct Worker {
    ProductCache& products;
    std::span<std::byte> scratch;
    float* block;  ///< room for a block of P, where all of it is not kept
    MemoryAccount& memory;
    double& softmax_seconds;
  };

  static float* block_of(std::span<std::byte> room, const AttentionShape& s, int thread) {
    return reinterpret_cast<float*>(room.data() + thread * block_bytes(s));
  }

  static HeadsView<float> all_maps(const AttentionShape& s, std::span<std::byte> room) {
    const int64_t stride = padded_stride(s.keys), head = s.queries * stride;
    return {.data = reinterpret_cast<float*>(room.data()),
            .batch = s.batch,
            .heads = s.heads,
            .rows = s.queries,
            .cols = s.keys,
            .batch_stride = s.heads * head,
            .head_stride = head,
            .row_stride = stride};
  }

  static void run_block(const Call& call, const Block& block, const Worker& worker) {
    const auto& [s, in, out, taps, maps] = call;
    const auto [b, h, first, rows] = block;
    const int64_t kv = h / (s.heads / in.k.heads);
    const MatrixView<const float> q = in.q.matrix(b, h), k = in.k.matrix(b, kv);
    MatrixView<float> p{worker.block, rows, s.keys, padded_stride(s.keys)};
    if (maps.data != nullptr) {
      const MatrixView<float> all = maps.matrix(b, h);
      p = {all.row(first), rows, s.keys, all.stride};
    }
    worker.products.run(score_sizes(s, rows, q.stride, k.stride, p.stride), q.row(first), k.data, p.data,
                        worker.scratch, worker.memory);
    const float scale = add_biases(call, block, p);
    const Clock::time_point begin = Clock::now();
    softmax_rows(p.data, rows, s.keys, p.stride, scale, s.causal, s.past + first);
    worker.softmax_seconds += seconds_since(begin);
    if (in.v.data == nullptr) return;
    const MatrixView<const float> v = in.v.matrix(b, kv);
    const MatrixView<float> o = out.matrix(b, h);
    worker.products.run(output_sizes(s, rows, p.stride, v.stride, o.stride), p.data, v.data, o.row(first),
                        worker.scratch, worker.memory);
  }

  // Turns Q Kᵀ into what the softmax is of, up to the factor that is returned; hands out the logits.
  static float add_biases(const Call& call, const Block& block, MatrixView<float> p) {
    const auto& [s, in, out, taps, maps] = call;
    const bool masked = in.key_mask.data != nullptr, biased = in.distance_bias.data != nullptr;
    for (int64_t i = 0; i < p.rows && (masked || biased); ++i) {
      float* const row = p.row(i);
      const int64_t query = block.first + i;
      const float* const bias = biased ? in.distance_bias.row(block.head) + s.queries - 1 - query : nullptr;
      for (int64_t j = 0; j < p.cols; ++j) row[j] = s.scale * row[j] + (biased ? bias[j] : 0.0f);
    }
    const float left = masked || biased ? 1.0f : s.scale;
    for (int64_t i = 0; i < p.rows && taps.logits.data != nullptr; ++i) {
      float* const logits = taps.logits.matrix(block.sequence, block.head).row(block.first + i);
      std::transform(p.row(i), p.row(i) + p.cols, logits, [=](float x) { return left * x; });
    }
    for (int64_t i = 0; i < p.rows && masked; ++i) {
      std::transform(p.row(i), p.row(i) + p.cols, in.key_mask.row(block.sequence), p.row(i), std::plus<>());
    }
    return left;
  }

  // What was reserved for a larger shape is enough for this one only as long as oneDNN asks for no more.
  static void require_workspace(int64_t needed, std::span<std::byte> workspace) {
    if (needed <= std::ssize(workspace)) return;
    throw Error(ErrorCode::kInternal, {.subject = "standard",
                                       .found = std::to_string(workspace.size()) + " bytes of workspace",
                                       .expected = std::to_string(needed)});
  }

  std::vector<ProductCache> products_;
};

}  // namespace

std::unique_ptr<Mechanism> make_standard() { return std::make_unique<Standard>(); }

}  // namespace linformer
