// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "report/envelope.h"

namespace linformer::cli {

/// Equal for runs whose results may be joined: the schema, the fingerprint of the input (or a list of
/// several), every choice that changes a number, and the version.
std::string run_identity(std::string_view schema, const nlohmann::ordered_json& input,
                         const nlohmann::ordered_json& method);

/// The members of `method` that say what computed: isa, onednn_isa and, where it did, lapack_core.
nlohmann::ordered_json arithmetic_json(const ReportContext& context);

/// The member `interval` where sequences of documents are the sample.
inline constexpr const char* kDocumentInterval =
    "Student t over units: documents, or up to 20 blocks of sequences below 5 documents";

}  // namespace linformer::cli
