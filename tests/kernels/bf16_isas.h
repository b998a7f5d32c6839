// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "catch.h"
#include "kernels/isa.h"

namespace linformer {

/// Keeps the kernels to an instruction set of this machine as long as it lives.
class KernelLimit {
 public:
  explicit KernelLimit(const std::string& isa) { REQUIRE(limit_kernel_isa(isa)); }
  ~KernelLimit() { limit_kernel_isa("auto"); }
  KernelLimit(const KernelLimit&) = delete;
  KernelLimit& operator=(const KernelLimit&) = delete;
};

/// Instruction sets of this machine that multiply bf16 in different ways, and what it uses by itself.
inline std::vector<std::string> bf16_isas() {
  std::vector<std::string> isas = {"auto"};
  for (const char* isa : {"avx512bf16", "amx"}) {
    if (limit_kernel_isa(isa)) isas.emplace_back(isa);
    limit_kernel_isa("auto");
  }
  return isas;
}

}  // namespace linformer
