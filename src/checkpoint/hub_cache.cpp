// SPDX-License-Identifier: MIT
#include "checkpoint/hub_cache.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "io/file_bytes.h"
#include "io/printable.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr uintmax_t kMaxRefBytes = 256;

struct HubName {
  std::string repository;  ///< "org/name" or "name"
  std::string revision;    ///< may be empty
};

/// A part of a name that leads nowhere else when it becomes one of a folder.
bool is_plain(std::string_view part) {
  return !part.empty() && part.front() != '.' && part.front() != '-' && part.find("..") == part.npos &&
         part.find("--") == part.npos && part.find_first_not_of(kLetters) == part.npos;
}

bool all_plain(std::string_view path) {
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/')) {
    if (!is_plain(path.substr(0, slash))) return false;
    path.remove_prefix(slash + 1);
  }
  return is_plain(path);
}

std::optional<HubName> parse_hub_name(const std::string& text) {
  constexpr std::array<std::string_view, 7> kFiles = {".safetensors", ".json", ".bin", ".pt",
                                                      ".pth",         ".ckpt", ".gguf"};
  const size_t at = text.find('@');
  const HubName name{text.substr(0, at), at == text.npos ? "" : text.substr(at + 1)};
  const bool file = std::ranges::any_of(kFiles, [&](std::string_view end) { return text.ends_with(end); });
  const bool fits = std::ranges::count(name.repository, '/') <= 1 && all_plain(name.repository) &&
                    (at == text.npos || all_plain(name.revision));
  return fits && !file ? std::optional(name) : std::nullopt;
}

[[noreturn]] void fail(const std::string& name, std::string found, std::string expected, std::string remedy) {
  throw Error(ErrorCode::kInput, {.subject = name,
                                  .found = std::move(found),
                                  .expected = std::move(expected),
                                  .remedy = std::move(remedy)});
}

[[noreturn]] void fail_absent(const HubName& name, const std::string& text, const std::string& cache) {
  const std::string revision = name.revision.empty() ? "" : " --revision " + name.revision;
  fail(text, fmt::format("not found as a path, nor as a model in the hub's cache {}", cache),
       "a folder, a file, or a model of the hub that was downloaded",
       fmt::format("Check the path, or fetch it: hf download {}{}", name.repository, revision));
}

/// The commit that a branch or tag stands for, or nothing.
std::optional<std::string> commit_of(const fs::path& folder, const std::string& ref) {
  const fs::path path = folder / "refs" / ref;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const uintmax_t bytes = fs::file_size(path, error);
  std::string commit = error || bytes > kMaxRefBytes ? "" : read_text(path.string());
  commit.erase(commit.find_last_not_of(" \r\n") + 1);
  if (is_plain(commit)) return commit;
  fail(path.string(), fmt::format("'{}'", printable(commit)), "the id of a commit",
       "Download the model again");
}

std::vector<std::string> snapshots_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder / "snapshots", error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The snapshot that is meant: of the revision, of main, or the only one.
std::optional<std::string> snapshot_of(const fs::path& folder, const HubName& name, const std::string& text) {
  if (auto commit = commit_of(folder, name.revision.empty() ? "main" : name.revision)) return commit;
  if (!name.revision.empty()) return name.revision;
  const std::vector<std::string> snapshots = snapshots_in(folder);
  if (snapshots.size() < 2) return snapshots.empty() ? std::nullopt : std::optional(snapshots[0]);
  fail(text,
       fmt::format("{} revisions of it: {}", snapshots.size(),
                   printable(fmt::format("{}", fmt::join(snapshots, ", ")))),
       "one", fmt::format("Choose one, such as {}@{}", name.repository, printable(snapshots[0])));
}

}  // namespace

std::string resolve_hub_name(const std::string& path, const std::string& cache) {
  std::error_code error;
  if (fs::exists(path, error)) return path;
  const std::optional<HubName> name = parse_hub_name(path);
  if (!name) return path;
  std::string folder_name = "models--" + name->repository;
  if (const size_t slash = folder_name.find('/'); slash != std::string::npos)
    folder_name.replace(slash, 1, "--");
  const fs::path folder = fs::path(cache) / folder_name;
  if (cache.empty() || !fs::is_directory(folder, error)) fail_absent(*name, path, cache);
  const std::optional<std::string> snapshot = snapshot_of(folder, *name, path);
  if (!snapshot || !fs::is_directory(folder / "snapshots" / *snapshot, error))
    fail_absent(*name, path, cache);
  return (folder / "snapshots" / *snapshot).string();
}

}  // namespace linformer
