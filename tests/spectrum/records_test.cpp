// SPDX-License-Identifier: MIT
// The journal: what is written is read back, and nothing else is.
#include "spectrum/records.h"

#include "base/error.h"
#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

const RecordLayout kLayout = {.series = {"probabilities", "matched"},
                              .statistics = {"cumulative_at_1"},
                              .sequences = 5,
                              .layers = 1,
                              .heads = 2,
                              .points = 3,
                              .band_points = {0, 2}};

// Sequences 1 and 4 of the layout.
Records made_records() {
  Records records("id", kLayout);
  for (int64_t sequence : {4, 1}) {
    for (int64_t series : {0, 1}) {
      for (int64_t head : {0, 1}) {
        const double x = static_cast<double>(sequence + 10 * series + 100 * head);
        records.add({sequence, series, 0, head}, std::vector{x}, std::vector{x / 1024, 0.5, 1.0},
                    std::vector{0.25, x / 2048, 1.0}, 1);
      }
    }
    records.finish(sequence);
  }
  records.checks().matrices = 4;
  records.checks().largest_norm_error = 1e-9;
  return records;
}

}  // namespace

TEST_CASE("a journal gives back what was saved, and is then saved as the same bytes") {
  const TemporaryFolder folder;
  const Records records = made_records();
  records.save(folder.path("a"));
  const Records read = Records::load(folder.path("a"), "id", kLayout);
  read.save(folder.path("b"));
  CHECK(folder.content("a") == folder.content("b"));
  CHECK(folder.entries() == 2);
  CHECK(read.finished_count() == 2);
  for (int64_t i = 0; i < 5; ++i) CHECK(read.finished(i) == (i == 1 || i == 4));
  CHECK(read.checks().matrices == 4);
  CHECK(read.checks().largest_norm_error == 1e-9);
  CHECK(read.statistic({4, 1, 0, 1}, 0) == 114);
  CHECK(read.statistic({1, 0, 0, 0}, 0) == 1);
  CHECK(read.band(4, 0, 0, 0) == records.band(4, 0, 0, 0));
  CHECK(read.cumulative_sum(1, 0, 1, 0) == (114.0 + 111.0) / 1024);
  CHECK(read.energy_sum(1, 0, 1, 1) == (114.0 + 111.0) / 2048);
}

TEST_CASE("a journal without a finished sequence is a journal") {
  const TemporaryFolder folder;
  Records("id", kLayout).save(folder.path("a"));
  CHECK(Records::load(folder.path("a"), "id", kLayout).finished_count() == 0);
}

TEST_CASE("a journal that is cut or changed anywhere is refused") {
  const TemporaryFolder folder;
  made_records().save(folder.path("a"));
  const std::string content = folder.content("a");
  const auto code = [&](const std::string& text) {
    folder.put("b", text);
    return code_of([&] { Records::load(folder.path("b"), "id", kLayout); });
  };
  REQUIRE(code(content) == 0);
  for (size_t i = 0; i < content.size(); i += 7) {
    INFO("byte " << i << " of " << content.size());
    CHECK(code(content.substr(0, i)) == static_cast<int>(ErrorCode::kInput));
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(code(changed) == static_cast<int>(ErrorCode::kInput));
  }
}

}  // namespace linformer
