// SPDX-License-Identifier: MIT
#include "image_input.h"

#include <fmt/format.h>

#include <numeric>

#include "base/error.h"

namespace linformer::cli {
namespace {

[[noreturn]] void fail(const char* option, std::string found, std::string expected, std::string remedy) {
  throw Error(ErrorCode::kUsage, {.subject = option,
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = std::move(remedy)});
}

// The first option given that only text has, or null.
const char* text_option(const InputOptions& o) {
  if (!o.text.empty()) return "--text";
  if (!o.ids.empty()) return "--ids";
  if (o.join_documents) return "--join-documents";
  return o.per_document ? "--per-document" : nullptr;
}

}  // namespace

void check_input_kind(const InputOptions& options, const Architecture& a) {
  if (!a.image) {
    if (options.inputs.empty()) return;
    fail("--inputs", fmt::format("given with a {} model, which takes token ids", a.family), "--text or --ids",
         options.checkpoint.empty() ? "Name a model of images by --checkpoint: the one built in reads text"
                                    : "Leave it out, or name a model of images by --checkpoint");
  }
  const std::string takes = fmt::format("a {} model, which takes images", a.family);
  const std::string wanted = fmt::format("--inputs FILE with pixel_values [images, {}, {}, {}]",
                                         a.image->channels, a.image->height, a.image->width);
  const char* remedy = "FORMATS.md, \"Images\", has the lines that make such a file";
  if (const char* given = text_option(options)) fail(given, "given with " + takes, wanted, remedy);
  if (options.inputs.empty()) fail("--inputs", "not given to " + takes, wanted, remedy);
}

StoredImages open_images(const InputOptions& options, const Architecture& a, bool map_files) {
  check_input_kind(options, a);
  if (options.length > 0 && options.length != a.positions) {
    fail("--length", std::to_string(options.length),
         fmt::format("{}: every image has {} patches and {} more", a.positions, a.image->patches(),
                     a.prefix_tokens()),
         "Leave it out");
  }
  return {TensorFile::open(options.inputs, map_files), *a.image, options.sequences};
}

nlohmann::ordered_json images_json(const StoredImages& images) {
  return {{"inputs", images.file()}, {"documents", images.count()}, {"sequences", images.count()}};
}

std::vector<std::vector<int32_t>> prefix_positions(const StoredImages& images, const Architecture& a) {
  std::vector<int32_t> prefix(static_cast<size_t>(a.prefix_tokens()));
  std::iota(prefix.begin(), prefix.end(), 0);
  return {static_cast<size_t>(images.count()), prefix};
}

}  // namespace linformer::cli
