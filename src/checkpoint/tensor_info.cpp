// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "io/printable.h"

namespace linformer {
namespace {

/// Walks over the elements of a strided tensor in row-major order, a row at a time.
class RowWalk {
 public:
  RowWalk(const TensorInfo& tensor, int64_t begin) : shape_(tensor.shape), strides_(tensor.strides) {
    for (size_t d = shape_.size(); d-- > 0; begin /= shape_[d]) {
      index_[d] = begin % shape_[d];
      offset_ += index_[d] * strides_[d];
    }
  }

  /// Where the element at hand is, in elements.
  int64_t offset() const { return offset_; }
  int64_t left_in_row() const { return shape_.back() - index_[shape_.size() - 1]; }

  void next_row() {
    size_t d = shape_.size() - 1;
    rewind(d);
    while (d-- > 0) {
      offset_ += strides_[d];
      if (++index_[d] < shape_[d]) return;
      rewind(d);
    }
  }

 private:
  void rewind(size_t d) {
    offset_ -= index_[d] * strides_[d];
    index_[d] = 0;
  }

  const Shape& shape_;
  const Shape& strides_;
  std::array<int64_t, kMaxRank> index_{};
  int64_t offset_ = 0;
};

template <size_t kSize>
void gather(const TensorInfo& tensor, int64_t begin, int64_t count, std::byte* out) {
  const int64_t step = tensor.strides.back() * static_cast<int64_t>(kSize);
  for (RowWalk walk(tensor, begin); count > 0; walk.next_row()) {
    const int64_t run = std::min(count, walk.left_in_row());
    const std::byte* from = tensor.bytes.data() + walk.offset() * static_cast<int64_t>(kSize);
    for (int64_t i = 0; i < run; ++i, out += kSize) std::memcpy(out, from + i * step, kSize);
    count -= run;
  }
}

}  // namespace

std::string tensor_label(std::string_view name) { return fmt::format("tensor '{}'", printable(name)); }

std::span<const std::byte> row_major_part(const TensorInfo& tensor, int64_t begin, int64_t count,
                                          std::span<std::byte> room) {
  const int64_t size = size_of(tensor.dtype);
  const auto bytes = static_cast<size_t>(count * size);
  if (tensor.strides.empty()) return tensor.bytes.subspan(static_cast<size_t>(begin * size), bytes);
  switch (size) {
    case 1:
      gather<1>(tensor, begin, count, room.data());
      break;
    case 2:
      gather<2>(tensor, begin, count, room.data());
      break;
    case 4:
      gather<4>(tensor, begin, count, room.data());
      break;
    default:
      gather<8>(tensor, begin, count, room.data());
  }
  return room.first(bytes);
}

}  // namespace linformer
