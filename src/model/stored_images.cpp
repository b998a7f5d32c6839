// SPDX-License-Identifier: MIT
#include "model/stored_images.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "checkpoint/tensor_values.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr const char* kTensor = "pixel_values";

std::string expected_shape(const ImageShape& s) {
  return fmt::format("floating point [images, {}, {}, {}]", s.channels, s.height, s.width);
}

[[noreturn]] void fail(const TensorFile& file, std::string found, std::string expected, std::string remedy) {
  throw Error(ErrorCode::kInput, {.subject = file.name(),
                                  .item = tensor_label(kTensor),
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = std::move(remedy)});
}

// "'a', 'b' and 3 more".
std::string names_in(const TensorFile& file) {
  constexpr size_t kMost = 5;
  const size_t count = file.tensors().size();
  std::string names;
  for (size_t i = 0; i < std::min(count, kMost); ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : ", ", printable(file.tensors()[i].name));
  }
  return count > kMost ? fmt::format("{} and {} more", names, count - kMost) : names;
}

TensorInfo find_images(const TensorFile& file, const ImageShape& shape) {
  if (const TensorInfo* tensor = file.find(kTensor)) return *tensor;
  fail(file,
       file.tensors().empty() ? "missing, and no other is there"
                              : fmt::format("missing; there are {}", names_in(file)),
       expected_shape(shape), "FORMATS.md, \"Images\", shows how to make such a file");
}

}  // namespace

StoredImages::StoredImages(TensorFile file, const ImageShape& shape, int64_t limit)
    : file_(std::move(file)), shape_(shape), tensor_(find_images(file_, shape)) {
  check(shape, limit);
  count_ = limit > 0 ? limit : tensor_.shape[0];
}

void StoredImages::check(const ImageShape& s, int64_t limit) const {
  const Shape& shape = tensor_.shape;
  const std::string found = fmt::format("{} {}", name_of(tensor_.dtype), to_string(shape));
  if (!is_float(tensor_.dtype) || shape.size() != 4 || shape[1] != s.channels) {
    fail(file_, found, expected_shape(s),
         "Write what the model's image processor gives: FORMATS.md, \"Images\", shows how");
  }
  if (shape[2] != s.height || shape[3] != s.width) {
    fail(file_, fmt::format("images of {} x {}", shape[2], shape[3]),
         fmt::format("{} x {} (height x width), for which the model has positions", s.height, s.width),
         "Resize them, as the model's image processor does; positions are not interpolated, which "
         "transformers does with interpolate_pos_encoding=True only");
  }
  const int64_t least = std::max<int64_t>(limit, 1);
  if (shape[0] < least) {
    fail(file_, fmt::format("{} images", shape[0]), fmt::format("at least {}", least),
         "Give more images or a smaller --sequences");
  }
}

void StoredImages::read(int64_t image, int64_t begin, std::span<float> out) const {
  copy_part_as_f32(tensor_, file_.name(), image * shape_.values() + begin, out);
}

void StoredImages::add_to(Sha256& digest) const {
  digest.update(fmt::format("{} {} {} {}:", count_, shape_.channels, shape_.height, shape_.width));
  std::vector<float> part(kPartElements);
  for (int64_t image = 0; image < count_; ++image) {
    for (int64_t begin = 0; begin < shape_.values(); begin += kPartElements) {
      const int64_t size = std::min(kPartElements, shape_.values() - begin);
      const std::span<float> values(part.data(), static_cast<size_t>(size));
      read(image, begin, values);
      digest.update(std::as_bytes(values));
    }
  }
}

}  // namespace linformer
