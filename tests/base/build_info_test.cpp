// SPDX-License-Identifier: MIT
#include "base/build_info.h"

#include <algorithm>

#include "catch.h"

namespace linformer {
namespace {

TEST_CASE("the program knows how it was built") {
  const BuildInfo& info = build_info();
  CHECK(std::count(info.version.begin(), info.version.end(), '.') == 2);
  CHECK(info.version.find_first_not_of("0123456789.") == std::string_view::npos);
  for (const std::string_view text : {info.commit, info.compiler, info.build_type}) {
    INFO(text);
    CHECK_FALSE(text.empty());
    CHECK(text.find('@') == std::string_view::npos);  // a place of the template that was not filled
  }
  CHECK(info.flags.find('@') == std::string_view::npos);
  CHECK(info.compiler.find_first_of("0123456789") != std::string_view::npos);
}

}  // namespace
}  // namespace linformer
