// SPDX-License-Identifier: MIT
#include "model/span_corruption.h"

#include <algorithm>
#include <numeric>

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

using Ids = std::vector<int32_t>;

constexpr int32_t kStart = 7, kEnd = 1, kFirstSentinel = 500;

Ids sentinels(int count) {
  Ids ids(static_cast<size_t>(count));
  std::iota(ids.rbegin(), ids.rend(), kFirstSentinel);  // they count down, as T5's do
  return ids;
}

Ids special() {
  Ids ids = sentinels(100);
  ids.push_back(kEnd);
  return ids;
}

Ids text(int length) {
  Ids ids(static_cast<size_t>(length));
  std::iota(ids.begin(), ids.end(), 10);
  ids.push_back(kEnd);
  return ids;
}

// What the encoder reads, with every sentinel replaced by what the decoder is to predict after it.
Ids filled_in(const Prediction& task) {
  Ids ids;
  for (const int32_t id : task.encoder_ids) {
    if (id < kFirstSentinel) {
      ids.push_back(id);
      continue;
    }
    auto label = std::find(task.labels.begin(), task.labels.end(), id);
    REQUIRE(label != task.labels.end());
    while (*++label < kFirstSentinel) ids.push_back(*label);
  }
  return ids;
}

}  // namespace

TEST_CASE("Spans that are left out make the sequence whole again, and are 15 % of it in spans of 3") {
  for (const int length : {2, 3, 7, 20, 100, 400}) {
    for (uint64_t index = 0; index < 20; ++index) {
      const Ids ids = text(length);
      const Prediction task = corrupt_spans(ids, special(), sentinels(100), kStart, 3, index);
      CAPTURE(length, index);
      CHECK(filled_in(task) == ids);
      const auto marks = std::count_if(task.labels.begin(), task.labels.end(),
                                       [](int32_t id) { return id >= kFirstSentinel; });
      const int left_out = std::max(1, (length * 15 + 50) / 100);
      CHECK(std::ssize(task.labels) == left_out + marks + 1);  // and </s>
      CHECK(marks - 1 == std::max(1, (length * 5 + 50) / 100));
      CHECK(task.labels.back() == kEnd);
      CHECK(task.encoder_ids.back() == kEnd);
      CHECK(task.encoder_ids.front() == ids.front());
      CHECK(task.ids.front() == kStart);
      CHECK(Ids(task.ids.begin() + 1, task.ids.end()) == Ids(task.labels.begin(), task.labels.end() - 1));
      CHECK(task.positions.size() == task.labels.size());
    }
  }
}

TEST_CASE("Spans depend on the seed and the sequence's index, and lie anywhere") {
  const auto spans = [](uint64_t seed, uint64_t index) {
    return corrupt_spans(text(60), special(), sentinels(100), kStart, seed, index).labels;
  };
  CHECK(spans(1, 0) == spans(1, 0));
  CHECK(spans(1, 0) != spans(2, 0));
  CHECK(spans(1, 0) != spans(1, 1));
  std::vector<int> left_out(60);
  for (uint64_t index = 0; index < 400; ++index) {
    for (const int32_t id : spans(1, index)) {
      if (id >= 10 && id < 70) ++left_out[static_cast<size_t>(id - 10)];
    }
  }
  CHECK(left_out[0] == 0);                                  // something stays before each span
  for (size_t i = 3; i < 60; ++i) CHECK(left_out[i] > 20);  // 60 expected
}

TEST_CASE("Nothing is predicted of a sequence without two ordinary ids, and too few sentinels are an error") {
  for (const Ids& ids : {Ids{}, Ids{kEnd}, Ids{10, kEnd}, Ids{10}}) {
    CHECK(corrupt_spans(ids, special(), sentinels(100), kStart, 1, 0).positions.empty());
  }
  const auto error = error_of([] { corrupt_spans(text(60), special(), sentinels(3), kStart, 1, 0); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), "3 sentinels"));
}

}  // namespace linformer
