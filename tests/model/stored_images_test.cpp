// SPDX-License-Identifier: MIT
#include "model/stored_images.h"

#include <cmath>

#include "base/half.h"
#include "catch.h"
#include "images.h"
#include "io/error_of.h"
#include "io/sha256.h"

namespace linformer {
namespace {

constexpr ImageShape kShape{.channels = 2, .height = 6, .width = 4, .patch_height = 3, .patch_width = 2};

MadeTensor pixels(Shape shape) {
  const auto count = static_cast<size_t>(element_count(shape).value());
  return made_floats("pixel_values", std::move(shape), std::vector<float>(count));
}

std::string refusal(const std::vector<MadeTensor>& tensors, int64_t limit = 0) {
  const TemporaryFolder folder;
  const std::string path = put_tensors(folder, tensors);
  const auto open = [&] { StoredImages(TensorFile::open(path, true), kShape, limit); };
  CHECK(code_of(open) == static_cast<int>(ErrorCode::kInput));
  CHECK(contains(message_of(open), path + ": tensor 'pixel_values'"));
  return message_of(open);
}

std::string digest_of(const std::string& path, int64_t limit = 0) {
  Sha256 digest;
  StoredImages(TensorFile::open(path, true), kShape, limit).add_to(digest);
  return digest.hex_digest();
}

TEST_CASE("Images are read part by part, as many as are wanted") {
  const TemporaryFolder folder;
  const StoredImages images(TensorFile::open(put_images(folder, 3, kShape), true), kShape, 2);
  CHECK(images.count() == 2);
  const std::vector<float> all = made_pixels(3, kShape);
  std::vector<float> part(5);
  images.read(1, 7, part);
  CHECK(part == std::vector<float>(all.begin() + 48 + 7, all.begin() + 48 + 12));
}

TEST_CASE("A file without such images is refused, naming file, tensor and what is there") {
  CHECK(contains(refusal({made_floats("pixels", {1}, {0})}), "'pixels'"));
  CHECK(contains(refusal({}), "no other"));
  std::vector<MadeTensor> many;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) many.push_back(made_floats(name, {1}, {0}));
  CHECK(contains(refusal(many), "'e' and 2 more"));
  CHECK(contains(refusal({pixels({2, 6, 4})}), "F32 [2, 6, 4]; expected floating point [images, 2, 6, 4]"));
  CHECK(contains(refusal({pixels({1, 2, 6, 4, 1})}), "[1, 2, 6, 4, 1]"));
  CHECK(contains(refusal({pixels({1, 3, 6, 4})}), "[1, 3, 6, 4]"));
  CHECK(contains(refusal({pixels({1, 2, 4, 6})}), "images of 4 x 6; expected 6 x 4"));
  CHECK(contains(refusal({pixels({1, 2, 12, 8})}), "interpolate_pos_encoding"));
  CHECK(contains(refusal({pixels({0, 2, 6, 4})}), "0 images; expected at least 1"));
  CHECK(contains(refusal({pixels({3, 2, 6, 4})}, 4), "3 images; expected at least 4"));
  CHECK(contains(
      refusal({made_tensor<uint8_t>("pixel_values", DType::kU8, {1, 2, 6, 4}, std::vector<uint8_t>(48))}),
      "U8 [1, 2, 6, 4]"));
}

TEST_CASE("The digest of images depends on their values, not on their type, and on those used alone") {
  const TemporaryFolder folder;
  const std::string path = put_images(folder, 3, kShape);
  std::vector<uint16_t> halves;
  for (const float value : made_pixels(3, kShape)) {
    uint16_t half = 0;  // the smallest that reads back the same
    while (f32_from_f16(half) != value) ++half;
    halves.push_back(half);
  }
  const std::string same =
      put_tensors(folder, {made_tensor("pixel_values", DType::kF16, {3, 2, 6, 4}, halves)}, "half");
  CHECK(digest_of(path) == digest_of(same));
  CHECK(digest_of(path) != digest_of(path, 2));
  CHECK(digest_of(path, 2) == digest_of(put_images(folder, 2, kShape, "two")));
}

TEST_CASE("A pixel that is not finite is refused, but not in an image that is not used") {
  const TemporaryFolder folder;
  std::vector<float> values = made_pixels(2, kShape);
  values[48 + 5] = std::nanf("");
  const std::string path = put_tensors(folder, {made_floats("pixel_values", {2, 2, 6, 4}, values)});
  const std::string message = message_of([&] { digest_of(path); });
  CHECK(contains(message, "'pixel_values', element 53: NaN"));
  CHECK(message_of([&] { digest_of(path, 1); }).empty());
}

}  // namespace
}  // namespace linformer
