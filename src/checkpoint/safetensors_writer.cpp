// SPDX-License-Identifier: MIT
#include "checkpoint/safetensors_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

constexpr int64_t kPrefixBytes = 8;
constexpr int64_t kAlignment = 8;
/// Spaces after the header's text, which a later commit_rows() may need for metadata.
constexpr int64_t kSlackBytes = 512;

[[noreturn]] void fail(const std::string& path, std::string item, std::string found, std::string expected) {
  throw Error(
      ErrorCode::kInternal,
      {.subject = path, .item = std::move(item), .found = std::move(found), .expected = std::move(expected)});
}

int64_t round_up(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

void check_names(const std::vector<TensorSpec>& tensors, const std::string& path) {
  std::set<std::string_view> names = {"__metadata__"};
  for (const TensorSpec& tensor : tensors) {
    if (!names.insert(tensor.name).second) fail(path, tensor.name, "name used twice", "different names");
  }
}

/// Length in 8 little-endian bytes, text, spaces up to `bytes` in all.
std::string framed(std::string text, int64_t bytes) {
  text.resize(static_cast<size_t>(bytes - kPrefixBytes), ' ');
  std::string prefix;
  for (size_t i = 0; i < kPrefixBytes; ++i) prefix += static_cast<char>(uint64_t{text.size()} >> 8 * i);
  return prefix + text;
}

/// Moves bytes within the file to an earlier place.
void move_down(AtomicFile& file, int64_t from, int64_t to, int64_t bytes) {
  constexpr int64_t kChunk = int64_t{4} << 20;
  if (from == to) return;
  std::vector<std::byte> buffer(static_cast<size_t>(std::min(bytes, kChunk)));
  for (int64_t done = 0; done < bytes;) {
    const std::span<std::byte> part(buffer.data(), static_cast<size_t>(std::min(kChunk, bytes - done)));
    file.read_at(from + done, part);
    file.write_at(to + done, part);
    done += static_cast<int64_t>(part.size());
  }
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::string path, std::vector<TensorSpec> tensors, Metadata metadata)
    : tensors_(std::move(tensors)),
      metadata_(std::move(metadata)),
      order_(tensors_.size()),
      begins_(tensors_.size()),
      file_(std::move(path)) {
  check_names(tensors_, file_.path());
  std::iota(order_.begin(), order_.end(), size_t{0});
  std::ranges::stable_sort(order_, std::greater{}, [&](size_t i) { return size_of(tensors_[i].dtype); });
  lay_out();
  const std::string text = header_text();
  data_begin_ = round_up(kPrefixBytes + static_cast<int64_t>(text.size()) + kSlackBytes);
  file_.reserve(data_begin_ + data_bytes_);
  file_.write_at(0, framed(text, data_begin_));
}

int64_t SafetensorsWriter::bytes_of(const TensorSpec& tensor) const {
  const std::optional<int64_t> count = element_count(tensor.shape);
  int64_t bytes = 0;
  if (!count || __builtin_mul_overflow(*count, size_of(tensor.dtype), &bytes)) {
    fail(file_.path(), tensor.name, "shape " + to_string(tensor.shape), "fewer than 2^63 bytes");
  }
  return bytes;
}

void SafetensorsWriter::lay_out() {
  data_bytes_ = 0;
  for (const size_t i : order_) {
    begins_[i] = data_bytes_;
    if (__builtin_add_overflow(data_bytes_, bytes_of(tensors_[i]), &data_bytes_)) {
      fail(file_.path(), tensors_[i].name, "too many bytes in all", "fewer than 2^63");
    }
  }
}

std::string SafetensorsWriter::header_text() const {
  using nlohmann::ordered_json;
  ordered_json header = ordered_json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  for (const size_t i : order_) {
    const TensorSpec& tensor = tensors_[i];
    header.push_back({tensor.name,
                      {{"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"data_offsets", {begins_[i], begins_[i] + bytes_of(tensor)}}}});
  }
  return header.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void SafetensorsWriter::write(size_t tensor, int64_t element, std::span<const std::byte> bytes) {
  const TensorSpec& spec = tensors_.at(tensor);
  const int64_t size = size_of(spec.dtype);
  const int64_t count = static_cast<int64_t>(bytes.size()) / size;
  const int64_t room = bytes_of(spec) / size;
  if (static_cast<int64_t>(bytes.size()) % size != 0 || element < 0 || element > room ||
      count > room - element) {
    fail(file_.path(), spec.name, fmt::format("{} bytes at element {}", bytes.size(), element),
         "a place within " + to_string(spec.shape));
  }
  file_.write_at(data_begin_ + begins_[tensor] + element * size, bytes);
}

void SafetensorsWriter::commit_rows(int64_t rows, const Metadata& extra) {
  const std::vector<int64_t> old_begins = begins_;
  for (TensorSpec& tensor : tensors_) {
    if (tensor.shape.empty() || rows < 0 || rows > tensor.shape[0] ||
        tensor.shape[0] != tensors_.front().shape[0]) {
      fail(file_.path(), tensor.name, fmt::format("{} rows of {}", rows, to_string(tensor.shape)),
           "a first dimension that all tensors share");
    }
  }
  for (TensorSpec& tensor : tensors_) tensor.shape[0] = rows;
  for (const auto& [key, value] : extra) metadata_[key] = value;
  lay_out();
  const std::string text = header_text();
  if (kPrefixBytes + static_cast<int64_t>(text.size()) > data_begin_) {
    fail(file_.path(), "metadata", "too long", "at most 512 bytes more than at first");
  }
  for (const size_t i : order_) {
    move_down(file_, data_begin_ + old_begins[i], data_begin_ + begins_[i], bytes_of(tensors_[i]));
  }
  file_.write_at(0, framed(text, data_begin_));
  file_.resize(data_begin_ + data_bytes_);
  file_.commit();
}

}  // namespace linformer
