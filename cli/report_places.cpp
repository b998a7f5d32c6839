// SPDX-License-Identifier: MIT
#include "report_places.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "spectrum/spectra_file.h"

namespace linformer::cli {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool is_within(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

// Whether the path is, or leads through, a pipe, a device, or what /dev and /proc stand for: /dev/stdout may
// lead to a regular file, but has no neighbours. /dev/shm is a disk like others.
bool stands_alone(fs::path path) {
  constexpr int kMostLinks = 40;
  std::error_code none;
  for (int links = 0; links < kMostLinks; ++links) {
    const fs::path folder = fs::canonical(folder_of(path), none);
    if (is_within(folder, "/proc") || (is_within(folder, "/dev") && !is_within(folder, "/dev/shm"))) {
      return true;
    }
    if (!fs::is_symlink(path, none)) break;
    path = folder / fs::read_symlink(path, none);
  }
  return fs::is_other(fs::status(path, none));
}

// /dev/stdout and the like: to replace the file behind it would lose what else is printed there.
bool is_standard_output(const std::string& path) {
  struct stat there {
  }, output{};
  return stands_alone(path) && ::stat(path.c_str(), &there) == 0 && ::fstat(STDOUT_FILENO, &output) == 0 &&
         there.st_dev == output.st_dev && there.st_ino == output.st_ino;
}

// Why the file cannot be written or replaced; empty if it can.
std::string obstacle(const std::string& path) {
  std::error_code none;
  const fs::file_status there = fs::status(path, none);
  if (fs::is_directory(there)) return "a directory";
  if (fs::is_block_file(there)) return "a disk";
  if (fs::exists(there) && ::access(path.c_str(), W_OK) != 0) return errno_text(errno);
  if (fs::is_other(there)) return "";
  const std::string folder =
      folder_of(fs::exists(there) ? fs::canonical(path, none) : fs::path(path)).string();
  if (::access(folder.c_str(), W_OK) == 0) return "";
  return fmt::format("cannot write in '{}': {}", folder, errno_text(errno));
}

void check_writable(const std::string& path, const std::vector<std::string>& read) {
  refuse_overwriting(read, path);
  const std::string found = obstacle(path);
  if (found.empty()) return;
  throw Error(ErrorCode::kWrite,
              {.subject = path,
               .found = found,
               .expected = "a file in a directory that exists, both of which can be written",
               .remedy = "Choose another name, or change the permissions"});
}

// A file left by a run that was killed does not matter: what counts is the lock on it, which the kernel
// releases with the process.
FileDescriptor lock_file(const std::string& path, const std::string& subject) {
  while (true) {
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0666));
    if (file.get() < 0) throw Error(ErrorCode::kWrite, {.subject = path, .found = errno_text(errno)});
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return file;  // a file system without locks
      throw Error(ErrorCode::kUsage, {.subject = subject,
                                      .found = "another run is at work on it",
                                      .expected = "one run at a time",
                                      .remedy = "Wait until it has ended, or choose another name"});
    }
    struct stat held {
    }, there{};
    const bool kept = ::fstat(file.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
                      held.st_dev == there.st_dev && held.st_ino == there.st_ino;
    if (kept) return file;  // else the run before has removed it between opening and locking
  }
}

// One name for all names of a file, whether it exists or not.
fs::path resolved(const std::string& path) {
  std::error_code failed;
  const fs::path target = fs::weakly_canonical(fs::absolute(path, failed), failed);
  return failed ? fs::path(path) : target;
}

bool same_place(const std::string& a, const std::string& b) {
  std::error_code none;
  return resolved(a) == resolved(b) || fs::equivalent(a, b, none);
}

}  // namespace

ReportPlaces choose_places(const std::string& out, const std::string& spectra) {
  ReportPlaces places{.report = {}, .curves = {}, .journal = {}, .spectra = spectra};
  places.standard_output = out == "-" || is_standard_output(out);
  if (places.standard_output) return places;
  places.report = out;
  if (stands_alone(out)) return places;
  const std::string stem = out.ends_with(".json") ? out.substr(0, out.size() - 5) : out;
  places.curves = stem + ".curves.csv";
  places.journal = out + ".partial";
  return places;
}

void check_places(const ReportPlaces& places, const std::vector<std::string>& read) {
  const std::string waiting = places.spectra.empty() ? "" : SpectraFile::waiting_path(places.spectra);
  if (places.spectra == "-" || (!places.spectra.empty() && stands_alone(places.spectra))) {
    throw Error(ErrorCode::kUsage, {.subject = "--spectra",
                                    .found = fmt::format("'{}', a pipe or device", places.spectra),
                                    .expected = "a file, which is read back and has another beside it"});
  }
  const std::pair<const char*, std::string> all[] = {
      {"the report", places.report}, {"the curves", places.curves},        {"the journal", places.journal},
      {"--spectra", places.spectra}, {"what --spectra waits in", waiting}, {"--save-fitted", places.fitted}};
  for (auto one = std::begin(all); one != std::end(all); ++one) {
    if (one->second.empty()) continue;
    check_writable(one->second, read);
    for (auto other = std::begin(all); other != one; ++other) {
      if (other->second.empty() || !same_place(one->second, other->second)) continue;
      throw Error(ErrorCode::kUsage,
                  {.subject = one->first,
                   .found = fmt::format("'{}', which is {} too", one->second, other->first),
                   .expected = "two files",
                   .remedy = "Choose another --out or --spectra"});
    }
  }
}

void make_folder(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (!failed && fs::is_directory(folder)) return;
  throw Error(ErrorCode::kWrite, {.subject = folder,
                                  .found = failed ? failed.message() : "not a folder",
                                  .expected = "a folder, or a name where one can be made"});
}

void add_resume_options(CLI::App& app, const char* group, ResumeOptions& o) {
  CLI::Option* resume =
      app.add_flag("--resume", o.resume, "go on where an interrupted run stopped")->group(group);
  app.add_flag("--force", o.force, "begin again where an interrupted run stopped")
      ->group(group)
      ->excludes(resume);
}

void check_output_options(const CommonOptions& common, const ResumeOptions& options) {
  if (options.resume && (common.out.empty() || common.out == "-")) {
    throw Error(ErrorCode::kUsage, {.subject = "--resume",
                                    .found = common.out.empty() ? "no --out" : "--out -",
                                    .expected = "the --out of the run that was interrupted"});
  }
  // A table is what is shown by default.
  const bool json = common.format == Format::kTable || common.format == Format::kJson;
  if (common.out == "-" && !json) {
    throw Error(ErrorCode::kUsage, {.subject = "--format",
                                    .found = "given with --out -, which prints the report as JSON",
                                    .expected = "one of them"});
  }
}

bool should_resume(const ReportPlaces& places, const ResumeOptions& options) {
  const bool exists = !places.journal.empty() && ::access(places.journal.c_str(), F_OK) == 0;
  if (!exists || options.resume || options.force) return exists && options.resume;
  throw Error(ErrorCode::kUsage, {.subject = places.journal,
                                  .found = "an unfinished run",
                                  .expected = "--resume to go on or --force to begin again"});
}

std::string how_to_go_on(const ReportPlaces& places) {
  return fmt::format("the same command with --out {} --resume goes on", places.report);
}

std::string nothing_to_resume(const ReportPlaces& places) {
  return places.journal.empty() ? "--resume: no journal is kept beside a pipe or device; beginning anew"
                                : fmt::format("--resume: no journal {}; beginning anew", places.journal);
}

// By way of the other constructor, so that the destructor runs where the second lock is refused.
PlacesLock::PlacesLock(const ReportPlaces& places) : PlacesLock() {
  for (const std::string& place : {places.journal.empty() ? "" : places.report, places.spectra}) {
    if (place.empty()) continue;
    const std::string path = resolved(place).string() + ".partial.lock";
    files_.emplace_back(path, lock_file(path, place));
  }
}

PlacesLock::~PlacesLock() {
  for (const auto& [path, file] : files_) ::unlink(path.c_str());
}

}  // namespace linformer::cli
