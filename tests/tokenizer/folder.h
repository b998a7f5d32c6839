// SPDX-License-Identifier: MIT
#pragma once

#include "tokenizer/files.h"
#include "tokenizer/helpers.h"

namespace linformer::test {

/// The message that opening must fail with.
inline std::string refusal(ErrorCode code, const Folder& folder) {
  return message_of(code, [&] { open(folder); });
}

}  // namespace linformer::test
