// SPDX-License-Identifier: MIT
// The input is a whole file, and once more the header of one whose data have the length that fits it best.
#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"

namespace {

using namespace linformer;

void read(std::string_view bytes) {
  try {
    const TensorFile file(FileBytes::embedded("fuzz", std::as_bytes(std::span(bytes))));
    size_t total = 0;
    for (const TensorInfo& tensor : file.tensors()) {
      total += tensor.bytes.size();
      std::vector<float> values(tensor.bytes.size() / static_cast<size_t>(size_of(tensor.dtype)));
      copy_as_f32(tensor, file.name(), values);
    }
    if (total > bytes.size()) __builtin_trap();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read(input);
  if (size == 0) return 0;
  const std::string_view header = input.substr(1);
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> 8 * i);
  read(file.append(header).append(data[0], '\1'));
  return 0;
}
