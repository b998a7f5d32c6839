// SPDX-License-Identifier: MIT
#include "kernels/isa.h"

#include <set>

#include "kernels/every_target.h"

namespace linformer {

TEST_CASE("a limit holds for the kernels that are called after it, also when it has been asked for") {
  std::set<size_t> chosen;
  size_t sets = 0;
  for (const char* isa : {"baseline", "avx2", "avx512"}) {
    if (!limit_kernel_isa(isa)) continue;
    CHECK_FALSE(kernel_target().empty());
    chosen.insert(hwy::GetChosenTarget().GetIndex());
    ++sets;
  }
  CHECK(limit_kernel_isa("auto"));
  CHECK(chosen.size() == sets);
  CHECK_FALSE(limit_kernel_isa("mmx"));
}

}  // namespace linformer
