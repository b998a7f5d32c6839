// SPDX-License-Identifier: MIT
#include "base/subnormals.h"

#include "catch.h"

namespace linformer {

#if defined(__x86_64__) || defined(__aarch64__)
TEST_CASE("subnormal numbers are zero while it is asked for, and count again afterwards") {
  volatile float tiny = 1e-39f, half = 0.5f;
  const auto product = [&] { return tiny * half; };
  CHECK(product() > 0);
  {
    const SubnormalsAreZero outer;
    {
      const SubnormalsAreZero inner;
      CHECK(product() == 0);
    }
    CHECK(product() == 0);
  }
  CHECK(product() > 0);
}
#endif

}  // namespace linformer
