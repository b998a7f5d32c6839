// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "checkpoint/tensor_file.h"

namespace linformer {

/// 8 little-endian bytes.
inline std::string little_endian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

/// A file with this header, whatever it says, and this data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return little_endian(header.size()) + std::string(header) + std::string(data);
}

/// One entry of a header.
inline std::string tensor_json(std::string_view name, std::string_view dtype, std::string_view shape,
                               uint64_t begin, uint64_t end) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) +
         "\",\"shape\":" + std::string(shape) + ",\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

/// Reads bytes as the file "m.safetensors". `bytes` must outlive the result.
inline TensorFile read_tensors(std::string_view bytes) {
  return TensorFile(FileBytes::embedded("m.safetensors", std::as_bytes(std::span(bytes))));
}

}  // namespace linformer
