// SPDX-License-Identifier: MIT
// Tokenizer files in memory.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tokenizer/open_tokenizer.h"

namespace linformer::test {

using Folder = std::map<std::string, std::string, std::less<>>;

inline TokenizerFiles files_of(const Folder& folder) {
  return {"model", [&folder](std::string_view name) -> std::optional<std::string_view> {
            const auto found = folder.find(name);
            if (found == folder.end()) return std::nullopt;
            return found->second;
          }};
}

inline std::unique_ptr<Tokenizer> open(const Folder& folder) { return open_tokenizer(files_of(folder)); }

}  // namespace linformer::test
