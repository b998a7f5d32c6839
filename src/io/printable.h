// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace linformer {

/// Text out of a file made fit for one line of a message: every byte but printable ASCII as \xNN, at most
/// 100 bytes of it, "..." where it was cut.
std::string printable(std::string_view text);

}  // namespace linformer
