// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "base/machine.h"

namespace linformer {

/// The facts with units in the keys; what is not known is null with a reason.
nlohmann::ordered_json machine_json(const MachineFacts& facts);

}  // namespace linformer
