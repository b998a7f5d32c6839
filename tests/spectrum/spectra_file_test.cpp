// SPDX-License-Identifier: MIT
#include "spectrum/spectra_file.h"

#include <sys/resource.h>

#include <csignal>

#include "base/error.h"
#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

// No file may grow or be written beyond `bytes` while it lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("spectra of which the disk takes only a part are a failure to write, with the reason") {
  const TemporaryFolder folder;
  SpectraFile file(folder.path("s"), {.layers = {0}, .heads = {0}, .lengths = {1024, 1024, 1024}}, false);
  const std::vector<double> values(1024, 1.0);
  file.write(0, 0, 0, values);
  std::string message;
  int code = 0;
  {
    const FileLimit limit(4096 + 100);  // in the middle of sequence 1
    code = code_of([&] { file.write(1, 0, 0, values); });
    message = message_of([&] { file.write(1, 0, 0, values); });
  }
  CHECK(code == static_cast<int>(ErrorCode::kWrite));
  CHECK(contains(message, folder.path("s.partial")));
  CHECK(contains(message, "File too large"));
  file.write(1, 0, 0, values);
  file.sync();
}

TEST_CASE("spectra wait in a file of their full size, and are written from the first sequences") {
  const TemporaryFolder folder;
  const SpectraFile::Layout layout{.layers = {2, 5}, .heads = {1}, .lengths = {3, 4}};
  SpectraFile file(folder.path("s"), layout, false);
  CHECK(std::ssize(folder.content("s.partial")) == SpectraFile::bytes(layout));
  CHECK(SpectraFile::bytes(layout) == 2 * 2 * 1 * 4 * 4);
  file.finish(1);
  CHECK(contains(folder.content("s"), "layers.5.singular_values"));
}

}  // namespace linformer
