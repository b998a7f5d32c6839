// SPDX-License-Identifier: MIT
// Images that the tests make up.
#pragma once

#include <string>
#include <vector>

#include "recorder.h"

namespace linformer {

/// `count` images [channels, height, width] that differ, exact in f16.
inline std::vector<float> made_pixels(int64_t count, const ImageShape& shape) {
  std::vector<float> values;
  for (int64_t i = 0; i < count * shape.values(); ++i) {
    values.push_back(static_cast<float>((i * 37 + i / 50 * 11 + i * i % 19) % 101 - 50) / 32.0f);
  }
  return values;
}

/// A file of `--inputs` in the folder.
inline std::string put_images(const TemporaryFolder& folder, int64_t count, const ImageShape& shape,
                              const std::string& name = "images.safetensors") {
  const Shape stored = {count, shape.channels, shape.height, shape.width};
  return put_tensors(folder, {made_floats("pixel_values", stored, made_pixels(count, shape))}, name);
}

}  // namespace linformer
