// SPDX-License-Identifier: MIT
#include "model/stored_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "checkpoint/tensor_values.h"
#include "io/printable.h"

namespace linformer {
namespace {

// Whether this is layers.{i}.<what>.
bool is_layer_name(std::string_view name, std::string_view what) {
  constexpr std::string_view kPrefix = "layers.";
  if (!name.starts_with(kPrefix) || !name.ends_with(fmt::format(".{}", what))) return false;
  name.remove_prefix(kPrefix.size());
  const size_t digits = name.find_first_not_of("0123456789");
  return digits > 0 && digits == name.size() - what.size() - 1;
}

// A positive number of the metadata.
double number_of(const TensorFile& file, const char* name, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value > 0 && std::isfinite(value)) return value;
  fail_stored(file.name(), fmt::format("metadata '{}'", name), printable(text), "numbers above 0");
}

std::vector<int64_t> optional_integers(const TensorFile& file, const char* name, int64_t count, int64_t least,
                                       int64_t most) {
  const TensorInfo* tensor = file.find(name);
  if (tensor == nullptr) return {};
  if (tensor->shape != Shape{count}) {
    fail_stored(file.name(), name, to_string(tensor->shape), fmt::format("[{}], one a sequence", count));
  }
  std::vector<int64_t> values(static_cast<size_t>(count));
  copy_as_i64(*tensor, file.name(), values);
  for (int64_t value : values) {
    if (value < least || value > most) {
      fail_stored(file.name(), name, std::to_string(value), fmt::format("{} to {}", least, most));
    }
  }
  return values;
}

}  // namespace

void StoredHeads::read_row(int64_t sequence, int64_t head, int64_t row, const std::string& file,
                           std::span<float> out) const {
  copy_part_as_f32(tensor, file, ((sequence * heads() + head) * rows() + row) * cols(), out);
}

std::string layer_name(int64_t layer, const char* what) { return fmt::format("layers.{}.{}", layer, what); }

std::vector<StoredHeads> find_layers(const TensorFile& file, const char* what) {
  std::vector<StoredHeads> layers;
  while (const TensorInfo* tensor = file.find(layer_name(std::ssize(layers), what))) {
    const bool empty =
        std::any_of(tensor->shape.begin(), tensor->shape.end(), [](int64_t x) { return x == 0; });
    if (tensor->shape.size() != 4 || empty || !is_float(tensor->dtype)) {
      fail_stored(file.name(), tensor->name,
                  fmt::format("{} {}", name_of(tensor->dtype), to_string(tensor->shape)),
                  "floating point [sequences, heads, rows, columns], none of them 0");
    }
    if (!layers.empty() &&
        (tensor->shape[0] != layers[0].sequences() || tensor->shape[1] != layers[0].heads())) {
      fail_stored(file.name(), tensor->name, to_string(tensor->shape), "the sequences and heads of layer 0");
    }
    layers.push_back({*tensor});
  }
  const int64_t named =
      std::count_if(file.tensors().begin(), file.tensors().end(),
                    [&](const TensorInfo& tensor) { return is_layer_name(tensor.name, what); });
  if (layers.empty() || named > std::ssize(layers)) {
    fail_stored(file.name(), layer_name(std::ssize(layers), what), "missing",
                "a tensor for every layer from 0 on");
  }
  return layers;
}

void read_sequences(const TensorFile& file, int64_t sequences, MapSize size, SourceFacts& facts) {
  facts.sizes.assign(static_cast<size_t>(sequences), size);
  if (file.find("lengths") != nullptr && size.rows != size.cols) {
    fail_stored(file.name(), "lengths", fmt::format("maps of {} x {}", size.rows, size.cols), "square maps");
  }
  const std::vector<int64_t> lengths = optional_integers(file, "lengths", sequences, 1, size.rows);
  for (size_t i = 0; i < lengths.size(); ++i) facts.sizes[i] = {lengths[i], lengths[i]};
  facts.documents = optional_integers(file, "documents", sequences, 0, int64_t{1} << 40);
  if (facts.documents.empty()) facts.documents.assign(static_cast<size_t>(sequences), 0);
}

StoredFacts read_facts(const TensorFile& file) {
  StoredFacts facts;
  const auto text_of = [&](const char* name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (const std::string causal = text_of("causal"); !causal.empty()) {
    if (causal != "true" && causal != "false") {
      fail_stored(file.name(), "metadata 'causal'", printable(causal), "true or false");
    }
    facts.causal = causal == "true";
  }
  facts.bias = text_of("bias") == "true";
  if (const std::string size = text_of("head_size"); !size.empty()) {
    facts.head_size = static_cast<int64_t>(number_of(file, "head_size", size));
  }
  const std::string scales = text_of("scales");
  for (size_t begin = 0; begin < scales.size();) {
    const size_t end = std::min(scales.find(',', begin), scales.size());
    facts.scales.push_back(number_of(file, "scales", scales.substr(begin, end - begin)));
    begin = end + 1;
  }
  return facts;
}

HeadsView<float> reserve_maps(Buffer<float>& buffer, int64_t batch, int64_t heads, MapSize size,
                              int64_t wanted_stride, MemoryAccount& account, std::string_view what) {
  const int64_t stride = std::max(wanted_stride, size.cols);
  buffer.reserve(account, batch * heads * size.rows * stride, what);
  return {buffer.data(),      batch, heads, size.rows, size.cols, heads * size.rows * stride,
          size.rows * stride, stride};
}

void fail_stored(const std::string& file, std::string item, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput, {.subject = file,
                                  .item = std::move(item),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = "FORMATS.md shows how to write such a file"});
}

}  // namespace linformer
