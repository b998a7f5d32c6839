// SPDX-License-Identifier: MIT
// NumPy's .npy files (numpy/lib/format.py), formats 1 and 2.
#pragma once

#include <cstddef>
#include <span>

#include "base/tensor.h"
#include "io/file_bytes.h"

namespace linformer {

/// One array, row-major; `bytes` belong to the file.
struct NpyArray {
  DType dtype;  ///< kF16, kF32 or kF64
  Shape shape;  ///< rank 0 to 8
  std::span<const std::byte> bytes;
};

/// Whether the file begins as .npy files do.
bool is_npy(const FileBytes& file);

/// Reads the header and checks it against the size; touches no data. Little-endian f2, f4 and f8 in C order.
/// Throws Error(kInput) for a file that is no .npy or whose size differs from what its header says,
/// Error(kUnsupported) for other types, Fortran order, .npz.
NpyArray read_npy(const FileBytes& file);

}  // namespace linformer
