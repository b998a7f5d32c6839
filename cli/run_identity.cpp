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

}  // namespace linformer::cli
