// SPDX-License-Identifier: MIT
#include "attention/nystrom_options.h"

#include <fmt/format.h>

#include "attention/option_text.h"

namespace linformer {
namespace {

using Inverse = NystromOptions::Inverse;

constexpr NameOf<Inverse> kInverses[] = {{"iterative", Inverse::kIterative}, {"exact", Inverse::kExact}};
constexpr int64_t kMostIterations = 1000;

}  // namespace

NystromOptions parse_nystrom_options(std::string_view text) {
  const OptionText reader("nystrom");
  NystromOptions options;
  const auto keys = reader.read(text, "landmarks=NUMBER, inverse=NAME or iterations=NUMBER",
                                [&](std::string_view key, std::string_view value) {
                                  if (key == "landmarks") {
                                    options.landmarks = reader.size(key, value);
                                  } else if (key == "inverse") {
                                    options.inverse = reader.named<Inverse>(key, value, kInverses);
                                  } else if (key == "iterations") {
                                    options.iterations = reader.size(key, value);
                                  } else {
                                    return false;
                                  }
                                  return true;
                                });
  if (options.iterations > kMostIterations)
    reader.fail(fmt::format("iterations={}", options.iterations), fmt::format("at most {}", kMostIterations));
  if (options.inverse == Inverse::kExact && keys.contains("iterations"))
    reader.fail("iterations of the exact inverse", "none: it is not found by iterating");
  return options;
}

std::string canonical(const NystromOptions& o) {
  std::string text = fmt::format("nystrom:landmarks={}", o.landmarks);
  if (o.inverse == Inverse::kExact) text += ",inverse=exact";
  if (o.iterations != NystromOptions{}.iterations) text += fmt::format(",iterations={}", o.iterations);
  return text;
}

}  // namespace linformer
