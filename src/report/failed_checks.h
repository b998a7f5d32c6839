// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "spectrum/result.h"

namespace linformer {

/// A sentence that names the checks which failed, each with what was found and what is allowed; empty if all
/// passed.
std::string failed_checks(const SpectrumChecks& checks);

}  // namespace linformer
