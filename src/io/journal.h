// SPDX-License-Identifier: MIT
// The state of a run that has not ended, as a file that says whose it is and that all of it is there.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "io/atomic_file.h"
#include "io/file_bytes.h"
#include "io/sha256.h"

namespace linformer {

/// Writes one, as a stream and atomically: eight bytes that tell its kind, the header's length (u64), the
/// header with the run's identity, a payload, SHA-256 of all before it.
class JournalWriter {
 public:
  /// `kind`: eight bytes. `header`: an object; it gets the member `identity`.
  JournalWriter(const std::string& path, std::string_view kind, const std::string& identity,
                nlohmann::json header);

  void write(std::string_view text);
  template <class T>
  void write(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    write(std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes()));
  }
  void commit();

 private:
  AtomicFile file_;
  Sha256 digest_;
};

/// One that was read back.
struct Journal {
  std::shared_ptr<const FileBytes> file;
  nlohmann::json header;
  std::string_view payload;  ///< of the file
};

/// Throws Error(kInput) if it is of another kind or damaged, Error(kUsage) if it is that of another run.
Journal read_journal(const std::string& path, std::string_view kind, const std::string& identity);

/// Throws the errors of read_journal: for what only the reader of a payload or header can tell.
[[noreturn]] void refuse_damaged_journal(const std::string& path, const std::string& found);
[[noreturn]] void refuse_foreign_journal(const std::string& path);

}  // namespace linformer
