// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linformer::cli {

/// Equal for runs whose results may be joined: the schema, the fingerprint of the input (or a list of
/// several), every choice that changes a number, and the version.
std::string run_identity(std::string_view schema, const nlohmann::ordered_json& input,
                         const nlohmann::ordered_json& method);

}  // namespace linformer::cli
