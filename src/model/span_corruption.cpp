// SPDX-License-Identifier: MIT
#include "model/span_corruption.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace linformer {
namespace {

constexpr uint32_t kSpanPurpose = 0x5BA7;
constexpr double kShare = 0.15, kMeanSpan = 3;

// `total` as a sum of that many numbers, all of them 1 or more, every such sum being as likely.
std::vector<int64_t> random_parts(int64_t total, int64_t parts, Random& random) {
  std::vector<int64_t> sizes = {1};
  int64_t cuts = parts - 1;
  for (int64_t places = total - 1; places > 0; --places) {
    if (random.below(static_cast<uint32_t>(places)) < cuts) {
      sizes.push_back(1);
      --cuts;
    } else {
      ++sizes.back();
    }
  }
  return sizes;
}

int64_t body_length(std::span<const int32_t> ids, std::span<const int32_t> special) {
  const auto ordinary = [&](int32_t id) {
    return std::find(special.begin(), special.end(), id) == special.end();
  };
  return std::find_if(ids.rbegin(), ids.rend(), ordinary).base() - ids.begin();
}

}  // namespace

Prediction corrupt_spans(std::span<const int32_t> ids, std::span<const int32_t> special_ids,
                         std::span<const int32_t> sentinels, int32_t start_id, uint64_t seed,
                         uint64_t index) {
  const int64_t length = body_length(ids, special_ids);
  if (length < 2) return {};
  const double share = kShare * static_cast<double>(length);
  const int64_t left_out = std::max<int64_t>(std::lround(share), 1);
  const int64_t spans = std::clamp<int64_t>(std::lround(share / kMeanSpan), 1, left_out);
  if (spans >= std::ssize(sentinels)) {
    throw Error(ErrorCode::kInput,
                {.subject = "--check",
                 .found = fmt::format("{} spans to be left out of {} ids", spans, length),
                 .expected = fmt::format("fewer than the tokenizer's {} sentinels", sentinels.size()),
                 .remedy = "Give a smaller --length"});
  }
  Random random({.seed = seed, .purpose = kSpanPurpose, .index = index});
  const std::vector<int64_t> gaps = random_parts(left_out, spans, random);
  const std::vector<int64_t> kept = random_parts(length - left_out, spans, random);

  Prediction task;
  auto next = ids.begin();
  const auto move = [&](int64_t count, std::vector<int32_t>& to) {
    to.insert(to.end(), next, next + count);
    next += count;
  };
  for (size_t i = 0; i < gaps.size(); ++i) {
    move(kept[i], task.encoder_ids);
    task.encoder_ids.push_back(sentinels[i]);
    task.labels.push_back(sentinels[i]);
    move(gaps[i], task.labels);
  }
  task.labels.push_back(sentinels[gaps.size()]);
  task.encoder_ids.insert(task.encoder_ids.end(), next, ids.end());
  task.labels.insert(task.labels.end(), next, ids.end());
  task.ids = shifted_right(task.labels, start_id);
  task.positions.resize(task.labels.size());
  std::iota(task.positions.begin(), task.positions.end(), 0);
  return task;
}

}  // namespace linformer
