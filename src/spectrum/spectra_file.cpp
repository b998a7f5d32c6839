// SPDX-License-Identifier: MIT
#include "spectrum/spectra_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/index.h"
#include "checkpoint/safetensors_writer.h"
#include "io/write_whole.h"

namespace linformer {
namespace {

[[noreturn]] void fail(const std::string& path, int number) {
  throw Error(ErrorCode::kWrite, {.subject = path,
                                  .found = errno_text(number),
                                  .remedy = "Choose another place for --spectra, or make room there"});
}

int64_t longest(const SpectraFile::Layout& layout) {
  return *std::max_element(layout.lengths.begin(), layout.lengths.end());
}

}  // namespace

int64_t SpectraFile::bytes(const Layout& layout) {
  return std::ssize(layout.lengths) * std::ssize(layout.layers) * std::ssize(layout.heads) * longest(layout) *
         static_cast<int64_t>(sizeof(float));
}

SpectraFile::SpectraFile(std::string path, Layout layout, bool resume)
    : path_(std::move(path)), layout_(std::move(layout)) {
  size_ = longest(layout_);
  const std::string waiting = waiting_path(path_);
  file_ =
      FileDescriptor(::open(waiting.c_str(), O_RDWR | O_CLOEXEC | (resume ? 0 : O_CREAT | O_TRUNC), 0666));
  if (file_.get() < 0) {
    if (!resume) fail(waiting, errno);
    throw Error(ErrorCode::kUsage, {.subject = waiting,
                                    .found = errno_text(errno),
                                    .expected = "the spectra of the interrupted analysis",
                                    .remedy = "Begin again with --force, or resume without --spectra"});
  }
  const int64_t bytes = SpectraFile::bytes(layout_);
  if (const int number = ::posix_fallocate(file_.get(), 0, bytes); number != 0) {
    if (!resume) ::unlink(waiting.c_str());
    fail(fmt::format("{} ({} bytes)", waiting, bytes), number);
  }
}

// [sequence][layer][head][size], so that what a batch writes lies together.
int64_t SpectraFile::offset(int64_t sequence, int64_t layer, int64_t head) const {
  const int64_t layers = std::ssize(layout_.layers), heads = std::ssize(layout_.heads);
  return ((sequence * layers + layer) * heads + head) * size_ * static_cast<int64_t>(sizeof(float));
}

void SpectraFile::write(int64_t sequence, int64_t layer, int64_t head, std::span<const double> values) {
  std::vector<float> row(index(size_), 0.0f);
  std::transform(values.begin(), values.end(), row.begin(), [](double x) { return static_cast<float>(x); });
  const int number = write_whole(file_.get(), offset(sequence, layer, head), std::as_bytes(std::span(row)));
  if (number != 0) fail(waiting_path(path_), number);
}

void SpectraFile::sync() const {
  if (::fsync(file_.get()) != 0) fail(waiting_path(path_), errno);
}

void SpectraFile::finish(int64_t sequences) const {
  const bool complete = sequences == std::ssize(layout_.lengths);
  const int64_t heads = std::ssize(layout_.heads);
  const bool equal =
      std::all_of(layout_.lengths.begin(), layout_.lengths.end(), [&](int64_t n) { return n == size_; });
  std::vector<TensorSpec> specs;
  for (int64_t layer : layout_.layers) {
    specs.push_back(
        {fmt::format("layers.{}.singular_values", layer), DType::kF32, {sequences, heads, size_}});
  }
  if (!equal) specs.push_back({"lengths", DType::kI64, {sequences}});
  SafetensorsWriter writer(path_, specs,
                           {{"layers", fmt::format("{}", fmt::join(layout_.layers, ","))},
                            {"heads", fmt::format("{}", fmt::join(layout_.heads, ","))},
                            {"complete", complete ? "true" : "false"}});
  std::vector<float> row(index(heads * size_));
  const int64_t bytes = std::ssize(row) * static_cast<int64_t>(sizeof(float));
  for (size_t layer = 0; layer < layout_.layers.size(); ++layer) {
    for (int64_t s = 0; s < sequences; ++s) {
      const ssize_t got =
          ::pread(file_.get(), row.data(), index(bytes), offset(s, static_cast<int64_t>(layer), 0));
      if (got != bytes) fail(waiting_path(path_), got < 0 ? errno : EIO);
      writer.write(layer, s * std::ssize(row), std::span<const float>(row));
    }
  }
  if (!equal)
    writer.write(specs.size() - 1, 0, std::span<const int64_t>(layout_.lengths.data(), index(sequences)));
  writer.commit();
}

}  // namespace linformer
