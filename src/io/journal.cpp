// SPDX-License-Identifier: MIT
#include "io/journal.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "io/json.h"

namespace linformer {
namespace {

constexpr size_t kKind = 8, kDigest = 64;

}  // namespace

JournalWriter::JournalWriter(const std::string& path, std::string_view kind, const std::string& identity,
                             nlohmann::json header)
    : file_(path) {
  header["identity"] = identity;
  const std::string text = header.dump();
  const uint64_t length = text.size();
  write(kind);
  write(std::span(&length, 1));
  write(text);
}

void JournalWriter::write(std::string_view text) {
  digest_.update(text);
  file_.write(text);
}

void JournalWriter::commit() {
  file_.write(digest_.hex_digest());
  file_.commit();
}

Journal read_journal(const std::string& path, std::string_view kind, const std::string& identity) {
  Journal journal{.file = FileBytes::open(path, true), .header = {}, .payload = {}};
  std::string_view& in = journal.payload = journal.file->text();
  uint64_t length = 0;
  if (in.size() < kKind + sizeof length + kDigest || in.substr(0, kKind) != kind)
    refuse_damaged_journal(path, "not a journal");
  Sha256 digest;
  digest.update(in.substr(0, in.size() - kDigest));
  if (digest.hex_digest() != in.substr(in.size() - kDigest))
    refuse_damaged_journal(path, "damaged (checksum)");
  std::memcpy(&length, in.data() + kKind, sizeof length);
  in.remove_prefix(kKind + sizeof length);
  in.remove_suffix(kDigest);
  if (length > in.size()) refuse_damaged_journal(path, "damaged (header)");
  journal.header = parse_json(in.substr(0, length), path);
  in.remove_prefix(length);
  if (json_string(journal.header, "identity", path) != identity) refuse_foreign_journal(path);
  return journal;
}

void refuse_damaged_journal(const std::string& path, const std::string& found) {
  throw Error(ErrorCode::kInput, {.subject = path,
                                  .found = found,
                                  .expected = "the journal of an interrupted run",
                                  .remedy = "Begin again with --force"});
}

void refuse_foreign_journal(const std::string& path) {
  throw Error(ErrorCode::kUsage,
              {.subject = path,
               .found = "the journal of another run",
               .expected = "the same input and options as now",
               .remedy = "Repeat the first command with --resume, or begin again with --force"});
}

}  // namespace linformer
