// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace linformer {

/// How this program was built; filled in at configuration time.
struct BuildInfo {
  std::string_view version;   ///< e.g. "0.1.0"
  std::string_view commit;    ///< git describe, or "unknown"
  std::string_view compiler;  ///< name and version
  std::string_view flags;
  std::string_view build_type;
};

const BuildInfo& build_info();

}  // namespace linformer
