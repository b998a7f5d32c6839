// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace linformer {

/// SHA-256 (FIPS 180-4) of bytes given piece by piece; libcrypto does the work.
class Sha256 {
 public:
  /// Throws Error(kInternal) if libcrypto has no SHA-256.
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The length as 8 little-endian bytes, then the text: parts hashed so cannot run into one another.
  void update_part(std::string_view text);

  /// 64 lower-case digits. Ends the computation: call it once, and nothing after it.
  std::string hex_digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linformer
