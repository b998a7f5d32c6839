// SPDX-License-Identifier: MIT
// Where a report and what belongs beside it go, and that nothing is in the way there.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "input_options.h"
#include "io/file_descriptor.h"

namespace linformer::cli {

/// Empty: nowhere.
struct ReportPlaces {
  std::string report, curves, journal, spectra;
  std::string fitted = {};       ///< of --save-fitted
  bool standard_output = false;  ///< the report goes there, and nothing else
};

/// Of a report `out` ("-": standard output) and of --spectra. Nothing belongs beside a pipe, a device, or
/// what /dev and /proc stand for.
ReportPlaces choose_places(const std::string& out, const std::string& spectra);

/// A report that cannot be written should fail before hours of work, not after. Throws Error(kWrite) for a
/// place that cannot be written, Error(kUsage) for one that is read or is meant twice.
void check_places(const ReportPlaces& places, const std::vector<std::string>& read);

/// Makes the folder, and those that it is in, unless it is there. Throws Error(kWrite) if it cannot be.
void make_folder(const std::string& folder);

/// What is to be done where an interrupted run stopped.
struct ResumeOptions {
  bool resume = false;
  bool force = false;
};
void add_resume_options(CLI::App& app, const char* group, ResumeOptions& options);

/// Throws Error(kUsage) for --resume without the --out that it needs, and for a --format beside --out -.
void check_output_options(const CommonOptions& common, const ResumeOptions& options);

/// Whether there is a journal to go on with. Throws Error(kUsage) if there is one and no option says what to
/// do: an unfinished run is neither overwritten nor continued by accident.
bool should_resume(const ReportPlaces& places, const ResumeOptions& options);

/// What is said of a run that was stopped and has a journal.
std::string how_to_go_on(const ReportPlaces& places);

/// What is said where --resume was given and should_resume() is false.
std::string nothing_to_resume(const ReportPlaces& places);

/// Keeps other runs from the same report and spectra for as long as it lives.
class PlacesLock {
 public:
  /// Throws Error(kUsage) if another run is at work there.
  explicit PlacesLock(const ReportPlaces& places);
  PlacesLock(const PlacesLock&) = delete;
  PlacesLock& operator=(const PlacesLock&) = delete;
  ~PlacesLock();

 private:
  PlacesLock() = default;

  std::vector<std::pair<std::string, FileDescriptor>> files_;
};

}  // namespace linformer::cli
