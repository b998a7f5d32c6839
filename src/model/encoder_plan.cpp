// SPDX-License-Identifier: MIT
#include "model/encoder_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"

namespace linformer {
namespace {

constexpr int64_t kVocabulary = 1024, kMostOfASize = int64_t{1} << 20;

[[noreturn]] void fail(std::string found, std::string expected) {
  throw Error(ErrorCode::kUsage,
              {.subject = "--model", .found = std::move(found), .expected = std::move(expected)});
}

std::vector<EncoderSizes> known_sizes() {
  return {{.name = "roberta-base", .layers = 12, .width = 768, .heads = 12, .ffn_width = 3072},
          {.name = "roberta-large", .layers = 24, .width = 1024, .heads = 16, .ffn_width = 4096},
          {.name = "bert-base", .layers = 12, .width = 768, .heads = 12, .ffn_width = 3072}};
}

[[noreturn]] void refuse(std::string_view text) {
  std::vector<std::string> names;
  for (const EncoderSizes& known : known_sizes()) names.push_back(known.name);
  fail(fmt::format("'{}'", text),
       fmt::format("{}, or layers=NUMBER,width=NUMBER,heads=NUMBER,ffn=NUMBER", fmt::join(names, ", ")));
}

void take(std::string_view option, EncoderSizes& sizes, std::string_view text) {
  const std::pair<std::string_view, int64_t*> names[] = {{"layers=", &sizes.layers},
                                                         {"width=", &sizes.width},
                                                         {"heads=", &sizes.heads},
                                                         {"ffn=", &sizes.ffn_width}};
  for (const auto& [name, size] : names) {
    if (!option.starts_with(name)) continue;
    const char* const end = option.data() + option.size();
    const auto [last, error] = std::from_chars(option.data() + name.size(), end, *size);
    if (error == std::errc() && last == end && *size >= 1 && *size <= kMostOfASize) return;
    fail(fmt::format("'{}'", option), fmt::format("{}1 to {}", name, kMostOfASize));
  }
  refuse(text);
}

TensorRef drawn(const std::string& name, Shape shape) { return {.name = name, .shape = std::move(shape)}; }

DenseRefs dense(const std::string& name, int64_t out, int64_t in) {
  return {.weight = drawn(name + ".weight", {out, in}), .bias = drawn(name + ".bias", {out})};
}

NormRefs norm(const std::string& name, int64_t width) {
  return {.weight = {.name = name + ".weight", .shape = {width}, .role = TensorRef::Role::kNormWeight},
          .bias = drawn(name + ".bias", {width})};
}

LayerRefs layer(const Architecture& a, int64_t i) {
  const std::string base = fmt::format("layers.{}.", i);
  return {.query = dense(base + "query", a.width, a.width),
          .key = dense(base + "key", a.width, a.width),
          .value = dense(base + "value", a.width, a.width),
          .attention_output = dense(base + "attention_output", a.width, a.width),
          .attention_norm = norm(base + "attention_norm", a.width),
          .ffn_in = dense(base + "ffn_in", a.ffn_width, a.width),
          .ffn_out = dense(base + "ffn_out", a.width, a.ffn_width),
          .ffn_norm = norm(base + "ffn_norm", a.width)};
}

// So that all weights can be counted.
void require_countable(const EncoderSizes& s, int64_t positions) {
  const auto width = static_cast<double>(s.width), ffn = static_cast<double>(s.ffn_width);
  const double elements = width * (static_cast<double>(positions) + kVocabulary) +
                          static_cast<double>(s.layers) * (width * (4 * width + 2 * ffn + 9) + ffn);
  if (elements < 0x1p58) return;
  fail(fmt::format("{} with {} positions: {:.2g} weights", s.name, positions, elements),
       "fewer than 2^58: shorter --lengths, or smaller sizes");
}

}  // namespace

EncoderSizes parse_encoder_sizes(std::string_view text) {
  for (const EncoderSizes& known : known_sizes()) {
    if (known.name == text) return known;
  }
  EncoderSizes sizes{.name = std::string(text)};
  for (std::string_view rest = text; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    take(rest.substr(0, comma), sizes, text);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (std::min({sizes.layers, sizes.width, sizes.heads, sizes.ffn_width}) == 0) refuse(text);
  if (sizes.width % sizes.heads != 0) {
    fail(fmt::format("width={}, heads={}", sizes.width, sizes.heads), "a width that the heads divide");
  }
  return sizes;
}

ModelPlan plan_encoder(const EncoderSizes& sizes, int64_t positions) {
  require_countable(sizes, positions);
  ModelPlan plan;
  Architecture& a = plan.architecture;
  a.family = sizes.name;
  a.layers = sizes.layers;
  a.heads = a.kv_heads = sizes.heads;
  a.head_size = sizes.width / sizes.heads;
  a.width = a.embedding_width = sizes.width;
  a.ffn_width = sizes.ffn_width;
  a.vocabulary = kVocabulary;
  a.positions = positions;
  a.norm_epsilon = 1e-5f;
  a.scale = 1 / std::sqrt(static_cast<float>(a.head_size));
  a.init_deviation = 0.02f;
  plan.embeddings = {.words = drawn("embeddings.words", {kVocabulary, a.width}),
                     .positions = drawn("embeddings.positions", {positions, a.width}),
                     .norm = norm("embeddings.norm", a.width)};
  for (int64_t i = 0; i < a.layers; ++i) plan.layers.push_back(layer(a, i));
  return plan;
}

}  // namespace linformer
