// SPDX-License-Identifier: MIT
// How much memory reading a hostile file takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "catch.h"
#include "io/error_of.h"

namespace linformer {

/// The most bytes that were allocated at once since this began, beyond those allocated before. One at a time.
/// Counts what all threads take from the heap by `new`; readers map files and take nothing else.
class AllocationPeak {
 public:
  AllocationPeak();
  int64_t bytes() const;

 private:
  int64_t before_;
};

/// The Error that reading `size` hostile bytes throws, or nothing; more than 64 MB beside a copy of these
/// bytes fail the test.
template <class F>
std::optional<Error> hostile_error(size_t size, F&& read) {
  constexpr int64_t kMost = 64'000'000;
  const AllocationPeak peak;
  const std::optional<Error> error = error_of(read);
  if (peak.bytes() > static_cast<int64_t>(size) + kMost) {
    FAIL(peak.bytes() << " bytes of memory for a file of " << size);
  }
  return error;
}

}  // namespace linformer
