// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "bench/result.h"

namespace linformer {

/// What is faster than what, where, by how much, and from which length on; "" if nothing can be said.
std::string bench_sentence(const BenchResult& result);

}  // namespace linformer
