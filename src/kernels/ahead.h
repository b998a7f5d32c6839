// SPDX-License-Identifier: MIT
// For the files of kernels only.
#pragma once

#include <hwy/base.h>

#include <algorithm>
#include <cstdint>

namespace linformer {

/// Rows that a kernel will need soon, asked for a few at a time while there is something to compute: memory
/// takes few requests at once.
class Ahead {
 public:
  /// They are to have been asked for after so many calls of request().
  explicit Ahead(int64_t requests) : requests_(std::max<int64_t>(1, requests)) {}

  /// Rows [begin, end) of `size` elements; four calls at most.
  template <class T>
  void add(const T* rows, int64_t stride, int64_t begin, int64_t end, int64_t size) {
    if (begin >= end) return;
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    streams_[count_++] = {.at = reinterpret_cast<const char*>(rows + begin * stride),
                          .stride = stride * kBytes,
                          .rows = end - begin,
                          .bytes = size * kBytes,
                          .at_once = (end - begin + requests_ - 1) / requests_};
  }

  /// Some rows of each matrix go to the second-level cache. Always inline: compilers take a function that
  /// does nothing else for one without effect.
  HWY_INLINE void request() {
    for (int i = 0; i < count_; ++i) {
      Stream& stream = streams_[i];
      for (int64_t r = std::min(stream.rows, stream.at_once); r > 0; --r) {
        for (int64_t byte = 0; byte < stream.bytes; byte += 64) __builtin_prefetch(stream.at + byte, 0, 2);
        stream.at += stream.stride;
        --stream.rows;
      }
    }
  }

 private:
  struct Stream {
    const char* at;
    int64_t stride, rows, bytes, at_once;
  };
  Stream streams_[4];
  int64_t requests_;
  int count_ = 0;
};

}  // namespace linformer
