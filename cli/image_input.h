// SPDX-License-Identifier: MIT
// --inputs: which models take it, and what it gives them.
#pragma once

#include <nlohmann/json.hpp>

#include "input_options.h"
#include "model/stored_images.h"

namespace linformer::cli {

/// Throws Error(kUsage) where the options give text to a model of images, images to a model of text, or
/// nothing to a model of images. Reads no file.
void check_input_kind(const InputOptions& options, const Architecture& architecture);

/// The images of --inputs for a model that takes such. Throws as check_input_kind(), Error(kUsage) for a
/// --length that is not the model's, Error(kInput) naming file and tensor for what is not such images.
StoredImages open_images(const InputOptions& options, const Architecture& architecture, bool map_files);

/// For the report's member `input`.
nlohmann::ordered_json images_json(const StoredImages& images);

/// What --drop-special-tokens drops of each image: the tokens before those of the patches.
std::vector<std::vector<int32_t>> prefix_positions(const StoredImages& images,
                                                   const Architecture& architecture);

}  // namespace linformer::cli
