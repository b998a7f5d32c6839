// SPDX-License-Identifier: MIT
// Zip archives and pickles by hand, so that they can lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors_bytes.h"
#include "checkpoint/weights.h"

namespace linformer {

inline std::string le16(uint64_t value) { return little_endian(value).substr(0, 2); }
inline std::string le32(uint64_t value) { return little_endian(value).substr(0, 4); }

/// A file of an archive; what is not given is as it should be.
struct ZipFile {
  std::string name;
  std::string data;
  uint16_t flags = 0;
  uint16_t method = 0;
  std::optional<std::string> local_name = {};
  std::optional<uint32_t> local_size = {};
  std::optional<uint32_t> local_crc = {};
  std::optional<uint32_t> central_size = {};
  std::optional<uint32_t> central_offset = {};
  std::string descriptor = {};  ///< behind the data
};

inline std::string zip_bytes(const std::vector<ZipFile>& files) {
  std::string all, directory;
  for (const ZipFile& f : files) {
    const std::string name = f.local_name.value_or(f.name), facts = le16(f.flags) + le16(f.method) + le32(0);
    const std::string local = le32(f.local_size.value_or(static_cast<uint32_t>(f.data.size())));
    const std::string central = le32(f.central_size.value_or(static_cast<uint32_t>(f.data.size())));
    directory += "PK\x01\x02" + le32(0) + facts + le32(7) + central + central + le16(f.name.size()) +
                 le16(0) + le16(0) + le16(0) + le16(0) + le32(0) +
                 le32(f.central_offset.value_or(static_cast<uint32_t>(all.size()))) + f.name;
    all += "PK\x03\x04" + le16(0) + facts + le32(f.local_crc.value_or(7)) + local + local +
           le16(name.size()) + le16(0) + name + f.data + f.descriptor;
  }
  return all + directory + "PK\x05\x06" + le32(0) + le16(files.size()) + le16(files.size()) +
         le32(directory.size()) + le32(all.size()) + le16(0);
}

inline std::string pickled(std::string_view text) { return "X" + le32(text.size()) + std::string(text); }
inline std::string pickled(uint64_t value) { return "\x8a\x08" + little_endian(value); }
inline std::string pickled(const std::vector<uint64_t>& values) {
  std::string tuple = "(";
  for (const uint64_t value : values) tuple += pickled(value);
  return tuple + "t";
}

/// A view of storage `key` of f32; `view` is the sixth item of the legacy form's persistent id.
inline std::string pickled_tensor(uint64_t elements, uint64_t offset, const std::vector<uint64_t>& sizes,
                                  const std::vector<uint64_t>& strides, std::string_view key = "0",
                                  const std::string& view = "") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled("storage") + "ctorch\nFloatStorage\n" +
         pickled(key) + pickled("cpu") + pickled(elements) + view + "tQ" + pickled(offset) + pickled(sizes) +
         pickled(strides) + "\x89NtR";
}

/// A state dict of one tensor "w".
inline std::string pickled_state(const std::string& tensor) {
  return "\x80\x02}" + pickled("w") + tensor + "s.";
}

/// What torch.save would write of this pickle and a storage of 6 floats, 0 to 5.
inline std::string torch_zip(const std::string& pickle) {
  std::string storage;
  for (const float x : {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f})
    storage.append(reinterpret_cast<const char*>(&x), 4);
  return zip_bytes({{.name = "a/data.pkl", .data = pickle}, {.name = "a/data/0", .data = storage}});
}

/// Opens bytes as the file "m.bin". They must outlive the result.
inline Weights read_weights(std::string_view bytes) {
  return open_weights(FileBytes::embedded("m.bin", std::as_bytes(std::span(bytes))));
}

}  // namespace linformer
