// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace linformer {

/// The first thing wrong with a report by the JSON Schema in the file `schema_path`, as "where: what"; empty
/// if nothing. Throws if the schema cannot be read.
std::vector<std::string> schema_errors(const nlohmann::json& report, const std::string& schema_path);

}  // namespace linformer
