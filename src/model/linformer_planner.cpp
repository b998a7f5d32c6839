// SPDX-License-Identifier: MIT
#include "model/linformer_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/printable.h"

namespace linformer {

const Shape& LinformerPlanner::shape_of(const std::string& tensor, size_t rank) const {
  const TensorInfo& info = checkpoint_.get(tensor);
  const bool sizes = std::ranges::all_of(info.shape, [](int64_t size) { return size > 0; });
  if (info.shape.size() == rank && sizes) return info.shape;
  throw Error(ErrorCode::kInput, {.subject = checkpoint_.weights_path(),
                                  .item = fmt::format("tensor '{}'", tensor),
                                  .found = fmt::format("shape {}", to_string(info.shape)),
                                  .expected = fmt::format("{} sizes above 0", rank),
                                  .remedy = "Use the weights as they were trained"});
}

int64_t LinformerPlanner::untold_size(const char* key, const std::string& what) const {
  const auto found = config_.find(key);
  if (found != config_.end() && !found->is_null()) return size(key);
  throw Error(ErrorCode::kInput,
              {.subject = subject_,
               .item = key,
               .found = "missing; the weights alone do not tell " + what,
               .expected = fmt::format("a config.json beside the weights with \"{}\"", key),
               .remedy = fmt::format("Write {{\"{}\": NUMBER}} into it, as the model was made", key)});
}

void LinformerPlanner::require_option(const char* key, bool value) const {
  const auto found = config_.find(key);
  if (found == config_.end() || found->is_null() || *found == value || *found == static_cast<int>(value))
    return;
  fail(ErrorCode::kUnsupported, key, printable(found->dump()), value ? "true" : "false");
}

void LinformerPlanner::unsupported(std::string found, std::string expected) const {
  throw Error(ErrorCode::kUnsupported,
              {.subject = checkpoint_.weights_path(),
               .found = std::move(found),
               .expected = std::move(expected),
               .remedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md)"});
}

LinformerPlanner::Place LinformerPlanner::place_of(const TensorInfo& tensor) {
  return {tensor.bytes.data(), tensor.bytes.size(), tensor.dtype, tensor.shape, tensor.strides};
}

std::string LinformerPlanner::same_bytes(const std::string& tensor) const {
  if (names_.empty()) {
    for (const TensorInfo& info : checkpoint_.tensors()) {
      if (!info.bytes.empty()) names_.try_emplace(place_of(info), info.name);
    }
  }
  const TensorInfo* info = checkpoint_.find(tensor);
  if (info == nullptr) return tensor;
  const auto first = names_.find(place_of(*info));
  return first == names_.end() ? tensor : first->second;
}

DenseRefs LinformerPlanner::linear(const std::string& name, int64_t out, int64_t in, bool bias) const {
  DenseRefs refs = dense(name, out, in);
  refs.weight.untrained = 1 / std::sqrt(3 * static_cast<float>(in));
  if (!bias) refs.bias = {};
  return refs;
}

LayerRefs LinformerPlanner::fairseq_layer(const LayerNames& names, const std::string& prefix,
                                          const TensorRef& e, const TensorRef& f) const {
  const std::string attention = prefix + names.attention;
  const auto square = [&](const char* name) { return dense(attention + name, a_.width, a_.width); };
  return {.query = square("q_proj"),
          .key = square("k_proj"),
          .value = square("v_proj"),
          .key_projection = {.weight = e, .bias = {}},
          .value_projection = {.weight = f, .bias = {}},
          .attention_output = square("out_proj"),
          .attention_norm = norm(prefix + names.attention_norm, a_.width),
          .ffn_in = dense(prefix + names.ffn_in, a_.ffn_width, a_.width),
          .ffn_out = dense(prefix + names.ffn_out, a_.width, a_.ffn_width),
          .ffn_norm = norm(prefix + "final_layer_norm", a_.width)};
}

TensorRef LinformerPlanner::embedding(const std::string& name, int64_t rows, int64_t width) const {
  TensorRef ref = weight(name + ".weight", {rows, width});
  ref.untrained = 1;
  return ref;
}

}  // namespace linformer
