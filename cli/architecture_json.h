// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "model/architecture.h"

namespace linformer::cli {

/// For reports and `info`.
nlohmann::ordered_json architecture_json(const Architecture& architecture);

}  // namespace linformer::cli
