// SPDX-License-Identifier: MIT
// The cache of the Hugging Face hub: models--ORG--NAME/{refs,snapshots,blobs} (huggingface_hub, "Understand
// caching").
#pragma once

#include <string>

namespace linformer {

/// `path` if it is there or cannot be a name of the hub; else the folder of the model "org/name", "name" or
/// "org/name@revision" in the folder `cache`, whose files are links. Nothing is fetched. Throws Error(kInput)
/// with the command that would fetch it if it is not there, or if there are several revisions and none is
/// chosen.
std::string resolve_hub_name(const std::string& path, const std::string& cache);

}  // namespace linformer
