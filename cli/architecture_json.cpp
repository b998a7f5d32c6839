// SPDX-License-Identifier: MIT
#include "architecture_json.h"

namespace linformer::cli {
namespace {

nlohmann::ordered_json projection_json(const Architecture& a) {
  nlohmann::ordered_json json;
  const Projection& p = *a.projection;
  const bool after = p.order == Projection::Order::kAfterWeights;
  json["projection"] = p.kind == Projection::Kind::kMatrix ? "matrix" : "convolution";
  json["slots"] = p.k;
  json["sharing"] = name_of(p.sharing);
  json["projection_order"] = after ? "after weights" : "before weights";
  json["projection_bias"] = p.bias;
  json["short_inputs"] = p.whole_length ? "refused" : "first columns of E and F";
  json["padding_tokens"] = a.zero_unplaced ? "embedded as zeros, then as others" : "as others";
  return json;
}

}  // namespace

nlohmann::ordered_json architecture_json(const Architecture& a) {
  nlohmann::ordered_json json = {
      {"family", a.family}, {"stack", name_of(a.stack())}, {"layers", a.layers},
      {"heads", a.heads},   {"kv_heads", a.kv_heads},      {"head_size", a.head_size},
      {"width", a.width},   {"ffn_width", a.ffn_width},    {"activation", name_of(a.activation)}};
  if (a.image) {
    json["image_channels"] = a.image->channels;
    json["image_size"] = {a.image->height, a.image->width};
    json["patch_size"] = {a.image->patch_height, a.image->patch_width};
    json["prefix_tokens"] = a.prefix_tokens();
  } else {
    json["vocabulary"] = a.vocabulary;
  }
  json["positions"] = a.positions;
  if (a.positions == kAnyLength) {
    json["positions"] = nullptr;
    json["positions_reason"] = "any number: positions are told by distance alone";
  }
  json["causal"] = a.hides_later_keys();
  if (a.projection) json.update(projection_json(a));
  return json;
}

}  // namespace linformer::cli
