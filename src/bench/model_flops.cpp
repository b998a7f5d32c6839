// SPDX-License-Identifier: MIT
#include "bench/model_flops.h"

#include "attention/exact_flops.h"
#include "bench/sweep.h"

namespace linformer {

double layer_flops(const Architecture& a, const BenchCell& cell) {
  const auto linformer = linformer_of(cell);
  const bool slots_first = linformer && linformer->order == LinformerOptions::Order::kBeforeWeights;
  AttentionShape shape = shape_of(cell);
  const double tokens = static_cast<double>(cell.batch * cell.length), width = static_cast<double>(a.width);
  const double query = 2 * width * static_cast<double>(a.heads * a.head_size);
  const double key_value = 4 * width * static_cast<double>(a.kv_heads * a.head_size);
  const double ffn = (a.gated_ffn ? 6 : 4) * width * static_cast<double>(a.ffn_width);
  const double dense = tokens * (2 * query + ffn);
  if (!slots_first) return dense + tokens * key_value + make_mechanism(cell.mechanism)->flops(shape);
  shape.keys = linformer->k;
  const auto slots = static_cast<double>(cell.batch * linformer->k);
  const double project =
      slots * 2 * static_cast<double>(cell.length) * width * (linformer->one_matrix() ? 1 : 2);
  return dense + project + slots * key_value + exact_flops(shape);
}

}  // namespace linformer
