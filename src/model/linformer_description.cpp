// SPDX-License-Identifier: MIT
// An architecture as JSON, and back.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "io/json.h"
#include "io/printable.h"
#include "model/linformer_file.h"

namespace linformer {
namespace {

constexpr const char* kSchema = "linformer/model/1";
constexpr auto kLargest = static_cast<double>(std::numeric_limits<float>::max());

template <class Value>
using Names = std::array<std::pair<std::string_view, Value>, 3>;

constexpr Names<NormPlace> kNormPlaces = {
    {{"after", NormPlace::kAfter}, {"before", NormPlace::kBefore}, {"parallel", NormPlace::kParallel}}};
constexpr std::array<std::pair<std::string_view, NormKind>, 2> kNormKinds = {
    {{"layer", NormKind::kLayer}, {"rms", NormKind::kRms}}};
constexpr std::array<std::pair<std::string_view, Projection::Kind>, 2> kKinds = {
    {{"matrix", Projection::Kind::kMatrix}, {"convolution", Projection::Kind::kConvolution}}};
constexpr std::array<std::pair<std::string_view, Projection::Order>, 2> kOrders = {
    {{"after weights", Projection::Order::kAfterWeights},
     {"before weights", Projection::Order::kBeforeWeights}}};
constexpr std::array<std::pair<std::string_view, Activation>, 5> kActivations = {
    {{"none", Activation::kNone},
     {"gelu", Activation::kGelu},
     {"gelu_new", Activation::kGeluTanh},
     {"relu", Activation::kRelu},
     {"silu", Activation::kSilu}}};

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) {
  for (const auto& [name, candidate] : table) {
    if (candidate == value) return name;
  }
  return "";
}

/// The members of the description, checked one by one.
class Reader {
 public:
  Reader(const nlohmann::json& json, const std::string& subject) : json_(json), subject_(subject) {}

  [[noreturn]] void fail(std::string_view key, std::string found, std::string expected) const {
    throw Error(ErrorCode::kInput, {.subject = subject_,
                                    .item = std::string(key),
                                    .found = std::move(found),
                                    .expected = std::move(expected),
                                    .remedy = "Write the file again"});
  }

  int64_t size(const char* key, int64_t least = 1) const {
    const int64_t value = json_int(json_, key, subject_);
    if (value < least || value > std::numeric_limits<int32_t>::max()) {
      fail(key, std::to_string(value), fmt::format("{} to 2^31 - 1", least));
    }
    return value;
  }
  float real(const char* key) const {
    const double value = json_double(json_, key, subject_);
    if (!(value >= 0 && value <= kLargest)) fail(key, fmt::format("{}", value), "0 to the largest f32");
    return static_cast<float>(value);
  }
  bool flag(const char* key) const { return json_bool(json_, key, subject_); }
  template <class Table>
  auto choice(const char* key, const Table& table) const {
    const std::string name = json_string(json_, key, subject_);
    std::string known;
    for (const auto& [candidate, value] : table) {
      if (candidate == name) return value;
      known += fmt::format("{}'{}'", known.empty() ? "" : ", ", candidate);
    }
    fail(key, fmt::format("'{}'", printable(name)), "one of " + known);
  }
  std::vector<float> reals(const char* key) const {
    std::vector<float> values;
    for (const nlohmann::json& x : list(key)) {
      const bool fits = x.is_number() && std::abs(x.get<double>()) <= kLargest;
      if (!fits) fail(key, printable(x.dump()), "numbers that f32 holds");
      values.push_back(x.get<float>());
    }
    return values;
  }
  std::vector<int64_t> sizes(const char* key) const {
    std::vector<int64_t> values;
    for (const nlohmann::json& x : list(key)) {
      const bool fits = x.is_number_unsigned() && x.get<uint64_t>() >= 1 &&
                        x.get<uint64_t>() <= std::numeric_limits<int32_t>::max();
      if (!fits) fail(key, printable(x.dump()), "sizes from 1 on");
      values.push_back(x.get<int64_t>());
    }
    return values;
  }
  Reader object(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_object()) fail(key, "no object", "one");
    return {*found, subject_};
  }

 private:
  const nlohmann::json& list(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_array()) fail(key, "no list", "one");
    return *found;
  }

  const nlohmann::json& json_;
  const std::string& subject_;
};

Projection projection_from(const Reader& json, int64_t layers) {
  Projection projection{.k = json.sizes("k"),
                        .kind = json.choice("kind", kKinds),
                        .order = json.choice("order", kOrders),
                        .whole_length = json.flag("whole_length")};
  if (std::ssize(projection.k) != layers) {
    json.fail("k", fmt::format("{} sizes", projection.k.size()),
              fmt::format("one for each of {} layers", layers));
  }
  return projection;
}

void check(const Architecture& a, const Reader& json) {
  if (a.heads % a.kv_heads != 0) json.fail("kv_heads", std::to_string(a.kv_heads), "a divisor of heads");
  if (a.causal) json.fail("causal", "true", "false: E and F mix future positions");
  if (a.unplaced_id >= 0 && a.first_position < 1) {
    json.fail("first_position", "0", "1 or more, since tokens of unplaced_id take the row before it");
  }
  constexpr int64_t kMostLayers = 10'000;
  if (a.layers > kMostLayers)
    json.fail("layers", std::to_string(a.layers), fmt::format("at most {}", kMostLayers));
  const int64_t sinusoids = 2 * std::ssize(a.sinusoid_frequencies);
  if (sinusoids != 0 && sinusoids != a.embedding_width) {
    json.fail("sinusoid_frequencies", std::to_string(sinusoids / 2), "half the embedding's width");
  }
}

}  // namespace

nlohmann::ordered_json description_of(const Architecture& a) {
  const Projection& p = *a.projection;
  return {{"schema", kSchema},
          {"model_type", "linformer"},
          {"layers", a.layers},
          {"heads", a.heads},
          {"kv_heads", a.kv_heads},
          {"head_size", a.head_size},
          {"width", a.width},
          {"ffn_width", a.ffn_width},
          {"vocabulary", a.vocabulary},
          {"embedding_width", a.embedding_width},
          {"positions", a.positions},
          {"token_types", a.token_types},
          {"activation", name_in(kActivations, a.activation)},
          {"gated_ffn", a.gated_ffn},
          {"norm_kind", name_in(kNormKinds, a.norm_kind)},
          {"norm_place", name_in(kNormPlaces, a.norm_place)},
          {"norm_epsilon", a.norm_epsilon},
          {"scale", a.scale},
          {"scale_by_layer", a.scale_by_layer},
          {"causal", a.causal},
          {"first_position", a.first_position},
          {"unplaced_id", a.unplaced_id},
          {"zero_unplaced", a.zero_unplaced},
          {"sinusoid_frequencies", a.sinusoid_frequencies},
          {"init_deviation", a.init_deviation},
          {"projection",
           {{"k", p.k},
            {"kind", name_in(kKinds, p.kind)},
            {"order", name_in(kOrders, p.order)},
            {"whole_length", p.whole_length}}}};
}

Architecture architecture_from(const nlohmann::json& description, const std::string& subject) {
  const Reader json(description, subject);
  if (const std::string schema = json_string(description, "schema", subject); schema != kSchema) {
    json.fail("schema", fmt::format("'{}'", printable(schema)), kSchema);
  }
  Architecture a{.family = "linformer",
                 .layers = json.size("layers"),
                 .heads = json.size("heads"),
                 .kv_heads = json.size("kv_heads"),
                 .head_size = json.size("head_size"),
                 .width = json.size("width"),
                 .ffn_width = json.size("ffn_width"),
                 .vocabulary = json.size("vocabulary"),
                 .embedding_width = json.size("embedding_width"),
                 .positions = json.size("positions"),
                 .token_types = json.size("token_types", 0),
                 .activation = json.choice("activation", kActivations),
                 .gated_ffn = json.flag("gated_ffn"),
                 .norm_kind = json.choice("norm_kind", kNormKinds),
                 .norm_place = json.choice("norm_place", kNormPlaces),
                 .norm_epsilon = json.real("norm_epsilon"),
                 .scale = json.real("scale"),
                 .scale_by_layer = json.flag("scale_by_layer"),
                 .causal = json.flag("causal"),
                 .first_position = json.size("first_position", 0),
                 .unplaced_id = json.size("unplaced_id", -1),
                 .sinusoid_frequencies = json.reals("sinusoid_frequencies"),
                 .zero_unplaced = json.flag("zero_unplaced"),
                 .projection = projection_from(json.object("projection"), json.size("layers")),
                 .init_deviation = json.real("init_deviation")};
  check(a, json);
  return a;
}

}  // namespace linformer
