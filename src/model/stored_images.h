// SPDX-License-Identifier: MIT
// Images as numbers in a safetensors file, `--inputs`.
#pragma once

#include <cstdint>
#include <span>

#include "checkpoint/tensor_file.h"
#include "io/sha256.h"
#include "model/architecture.h"

namespace linformer {

/// The tensor `pixel_values` [images, channels, height, width] of a file, of any floating-point type, read
/// part by part. Copies share the file.
class StoredImages {
 public:
  /// The first `limit` images, for a model that takes such; 0: all. Throws Error(kInput) naming file and
  /// tensor where it is missing, of another shape or type, or has fewer images.
  StoredImages(TensorFile file, const ImageShape& shape, int64_t limit);

  const std::string& file() const { return file_.name(); }
  const ImageShape& shape() const { return shape_; }
  int64_t count() const { return count_; }

  /// Values [begin, begin + out.size()) of an image, row-major. Throws Error(kInput) for NaN and infinity.
  void read(int64_t image, int64_t begin, std::span<float> out) const;

  /// Adds number, shape and values of the images, as f32, to the digest. Throws as read(): it reads them all.
  void add_to(Sha256& digest) const;

 private:
  void check(const ImageShape& shape, int64_t limit) const;

  TensorFile file_;
  ImageShape shape_;
  TensorInfo tensor_;
  int64_t count_;
};

}  // namespace linformer
