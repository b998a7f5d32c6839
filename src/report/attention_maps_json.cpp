// SPDX-License-Identifier: MIT
#include "report/attention_maps_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/base64.h"
#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

Json layer_json(const LayerMaps& maps, int64_t layer, const std::vector<int64_t>& heads) {
  Json json = {{"layer", layer},
               {"rows", maps.rows},
               {"columns", maps.columns},
               {"block_rows", maps.block_rows},
               {"block_columns", maps.block_columns},
               {"heads", Json::array()}};
  for (size_t j = 0; j < maps.heads.size(); ++j) {
    Json head = {{"head", heads[j]}};
    set_number(head, "peak", maps.heads[j].peak);
    head["levels"] = base64(maps.heads[j].levels);
    json["heads"].push_back(std::move(head));
  }
  return json;
}

AttentionMap read_map(const Field& field, int64_t head, const LayerMaps& layer) {
  if (field["head"].integer() != head) field["head"].fail(std::to_string(head));
  const Field levels = field["levels"];
  auto bytes = from_base64(levels.text());
  const auto blocks = static_cast<size_t>(layer.block_rows * layer.block_columns);
  if (!bytes || bytes->size() != blocks) levels.fail(fmt::format("{} bytes in base64", blocks));
  return {.peak = field["peak"].number_or_nan(), .levels = std::move(*bytes)};
}

LayerMaps read_layer(const Field& field, int64_t number, const std::vector<int64_t>& heads) {
  constexpr int64_t kMost = 4096;  // blocks on a side that anybody could look at
  if (field["layer"].integer() != number) field["layer"].fail(std::to_string(number));
  LayerMaps layer{.rows = field["rows"].integer(),
                  .columns = field["columns"].integer(),
                  .block_rows = field["block_rows"].integer(),
                  .block_columns = field["block_columns"].integer(),
                  .heads = {}};
  const auto [least, most] = std::minmax(layer.block_rows, layer.block_columns);
  if (least < 1 || most > kMost) field.fail(fmt::format("1 to {} blocks", kMost));
  const std::vector<Field> items = field["heads"].items(heads.size());
  for (size_t j = 0; j < items.size(); ++j) layer.heads.push_back(read_map(items[j], heads[j], layer));
  return layer;
}

}  // namespace

Json attention_maps_json(const SpectrumResult& result) {
  const AttentionMaps& maps = *result.attention_maps;
  Json json = {{"sequence", maps.sequence},
               {"document", maps.document},
               {"top_level", kTopLevel},
               {"levels_per_octave", kLevelsPerOctave},
               {"layers", Json::array()}};
  for (size_t i = 0; i < maps.layers.size(); ++i)
    json["layers"].push_back(layer_json(maps.layers[i], result.layers[i], result.heads));
  return json;
}

AttentionMaps read_attention_maps(const Field& field, const SpectrumResult& result) {
  AttentionMaps maps{
      .sequence = field["sequence"].integer(), .document = field["document"].integer(), .layers = {}};
  for (const auto& [name, value] :
       {std::pair("top_level", kTopLevel), std::pair("levels_per_octave", kLevelsPerOctave)})
    if (field[name].integer() != value) field[name].fail(std::to_string(value));
  const std::vector<Field> items = field["layers"].items(result.layers.size());
  for (size_t i = 0; i < items.size(); ++i)
    maps.layers.push_back(read_layer(items[i], result.layers[i], result.heads));
  return maps;
}

}  // namespace linformer
