// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linformer {

/// Text out of a file made fit for one line of a message: every byte but printable ASCII as \xNN, at most
/// `most` bytes of it, "..." where it was cut.
std::string printable(std::string_view text, size_t most = 100);

}  // namespace linformer
