// SPDX-License-Identifier: MIT
// For the files of kernels only.
#pragma once

#include <hwy/base.h>

#include <algorithm>
#include <cstdint>

namespace linformer {

/// Asks for the cache line `bytes` beyond `at`, which may be beyond all there is.
HWY_INLINE void fetch_line(const void* at, int64_t bytes) {
  __builtin_prefetch(
      reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(at) + static_cast<uintptr_t>(bytes)));
}

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
    HWY_DASSERT(count_ < 4);
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    streams_[count_++] = {.at = reinterpret_cast<uintptr_t>(rows + begin * stride),
                          .stride = static_cast<uintptr_t>(stride * kBytes),
                          .bytes = static_cast<uintptr_t>(size * kBytes),
                          .rows = end - begin,
                          .at_once = (end - begin + requests_ - 1) / requests_};
  }

  /// Some rows of each matrix go to the second-level cache. Always inline: compilers take a function that
  /// does nothing else for one without effect.
  HWY_INLINE void request() {
    constexpr uintptr_t kLine = 64;
    for (int i = 0; i < count_; ++i) {
      Stream& stream = streams_[i];
      for (int64_t r = std::min(stream.rows, stream.at_once); r > 0; --r) {
        const uintptr_t end = stream.at + stream.bytes;
        for (uintptr_t line = stream.at / kLine * kLine; line < end; line += kLine)
          __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 2);
        stream.at += stream.stride;
        --stream.rows;
      }
    }
  }

 private:
  struct Stream {
    uintptr_t at, stride, bytes;
    int64_t rows, at_once;
  };
  Stream streams_[4];
  int64_t requests_;
  int count_ = 0;
};

}  // namespace linformer
