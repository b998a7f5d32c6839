// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "io/atomic_file.h"

namespace linformer {

/// A tensor to be written.
struct TensorSpec {
  std::string name;
  DType dtype;
  Shape shape;
};

/// Writes a safetensors file piece by piece, in any order, through AtomicFile: until commit() there is no
/// file. The data start at a multiple of 8, tensors of wider elements first, else in the order given; what is
/// not written is 0. Errors as AtomicFile; Error(kInternal) for specs or places that make no sense. Not
/// thread-safe.
class SafetensorsWriter {
 public:
  using Metadata = std::map<std::string, std::string>;

  /// Writes the header and reserves the whole file on the disk.
  SafetensorsWriter(std::string path, std::vector<TensorSpec> tensors, Metadata metadata = {});

  /// Elements from `element` on of the tensor of this index in the list. `bytes` are little-endian, whole
  /// elements.
  void write(size_t tensor, int64_t element, std::span<const std::byte> bytes);
  template <class T>
  void write(size_t tensor, int64_t element, std::span<const T> values) {
    write(tensor, element, std::as_bytes(values));
  }

  int64_t file_bytes() const { return file_.size(); }
  const std::string& path() const { return file_.path(); }

  void commit() { file_.commit(); }

  /// For a run that was interrupted: keeps the first `rows` of the first dimension, which all tensors must
  /// share, adds `extra` to the metadata (up to 512 bytes more than before), and commits. A pipe cannot be
  /// shortened: Error(kWrite).
  void commit_rows(int64_t rows, const Metadata& extra = {});

 private:
  std::string header_text() const;
  int64_t bytes_of(const TensorSpec& tensor) const;
  void lay_out();

  std::vector<TensorSpec> tensors_;
  Metadata metadata_;
  std::vector<size_t> order_;    ///< tensors as they lie in the file
  std::vector<int64_t> begins_;  ///< of each tensor, from the start of the data
  int64_t data_begin_ = 0;       ///< bytes before the data
  int64_t data_bytes_ = 0;
  AtomicFile file_;
};

}  // namespace linformer
