// SPDX-License-Identifier: MIT
// --spectra: every singular value as a safetensors file, written while the analysis runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace linformer {

/// layers.{i}.singular_values f32 [sequences, heads, size], descending, and lengths i64 [sequences] where
/// they differ (shorter spectra are zero-padded). Values wait in `path`.partial, where a resumed run finds
/// them.
class SpectraFile {
 public:
  struct Layout {
    std::vector<int64_t> layers;   ///< numbers in the model
    std::vector<int64_t> heads;    ///< numbers in the model
    std::vector<int64_t> lengths;  ///< values of each sequence's spectra
  };

  /// Makes (or, to resume, opens) `path`.partial at its full size. Throws Error(kWrite), or Error(kUsage) if
  /// there is nothing to resume.
  SpectraFile(std::string path, Layout layout, bool resume);

  /// `layer`, `head`: indices into the layout's lists. Thread-safe for different places. Throws
  /// Error(kWrite).
  void write(int64_t sequence, int64_t layer, int64_t head, std::span<const double> values);

  /// Makes sure that the disk has what was written: before a journal says that it is there. Throws
  /// Error(kWrite).
  void sync() const;

  /// Writes `path` from the first `sequences` sequences, atomically. The waiting file stays.
  void finish(int64_t sequences) const;

  static std::string waiting_path(const std::string& path) { return path + ".partial"; }
  /// Bytes of the waiting file.
  static int64_t bytes(const Layout& layout);

 private:
  int64_t offset(int64_t sequence, int64_t layer, int64_t head) const;

  std::string path_;
  Layout layout_;
  int64_t size_ = 0;  ///< of the longest spectrum
  FileDescriptor file_;
};

}  // namespace linformer
