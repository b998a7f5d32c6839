// SPDX-License-Identifier: MIT
// The input is a whole file, and once more the pickle of a zip archive and of a legacy file that are sound.
#include <string>
#include <vector>

#include "base/error.h"
#include "checkpoint/tensor_values.h"
#include "checkpoint/torch_bytes.h"

namespace {

using namespace linformer;

void read(const std::string& bytes) {
  try {
    const Weights weights = read_weights(bytes);
    for (const TensorInfo& tensor : weights.tensors.tensors()) {
      if (tensor.elements() * size_of(tensor.dtype) > static_cast<int64_t>(bytes.size())) __builtin_trap();
      std::vector<float> values(static_cast<size_t>(tensor.elements()));
      copy_as_f32(tensor, "fuzz", values);
    }
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  read(input);
  read(torch_zip(input));
  std::string legacy("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
  legacy += "\x80\x02M\xe9\x03.\x80\x02}" + pickled("little_endian") + "\x88s." + input;
  read(legacy);
  return 0;
}
