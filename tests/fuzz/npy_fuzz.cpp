// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file = linformer::FileBytes::embedded("fuzz", std::as_bytes(std::span(data, size)));
    if (linformer::read_npy(*file).bytes.size() > size) __builtin_trap();
  } catch (const linformer::Error&) {
  }
  return 0;
}
