// SPDX-License-Identifier: MIT
#include "run_identity.h"

#include "base/build_info.h"
#include "io/sha256.h"

namespace linformer::cli {

std::string run_identity(std::string_view schema, const nlohmann::ordered_json& input,
                         const nlohmann::ordered_json& method) {
  const nlohmann::ordered_json identity = {
      {"schema", schema}, {"input", input}, {"method", method}, {"version", build_info().version}};
  Sha256 digest;
  digest.update(identity.dump());
  return digest.hex_digest();
}

nlohmann::ordered_json arithmetic_json(const ReportContext& context) {
  nlohmann::ordered_json json = {{"isa", context.isa}, {"onednn_isa", context.libraries.onednn_isa}};
  if (!context.libraries.lapack_core.empty()) json["lapack_core"] = context.libraries.lapack_core;
  return json;
}

}  // namespace linformer::cli
