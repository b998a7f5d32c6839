// SPDX-License-Identifier: MIT
// Zip archives (PKWARE's APPNOTE) whose files are stored without compression, zip64 included, read strictly.
#pragma once

#include <string_view>
#include <vector>

#include "io/file_bytes.h"

namespace linformer {

/// One file of an archive; both views are into the archive.
struct ZipEntry {
  std::string_view name;
  std::string_view data;
};

/// The files of an archive, sorted by name. Touches headers only; checksums are not computed. Throws
/// Error(kInput) where the two descriptions of a file differ, where files overlap or share a name, or for an
/// archive that is cut off; Error(kUnsupported) for compression and encryption.
std::vector<ZipEntry> read_zip(const FileBytes& file);

/// The file of this name in what read_zip gave, or null.
const ZipEntry* find_entry(const std::vector<ZipEntry>& entries, std::string_view name);

}  // namespace linformer
