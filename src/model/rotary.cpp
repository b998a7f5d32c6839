// SPDX-License-Identifier: MIT
#include "model/rotary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/threads.h"
#include "io/json.h"
#include "io/printable.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(ErrorCode code, const std::string& subject, const char* key, std::string found,
                       std::string expected) {
  throw Error(code, {.subject = subject,
                     .item = key,
                     .found = std::move(found),
                     .expected = std::move(expected),
                     .remedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md)"});
}

double checked(double value, const char* key, const std::string& subject) {
  if (!(value > 0)) fail(ErrorCode::kInput, subject, key, fmt::format("{}", value), "a number above 0");
  return value;
}

double positive(const Json& json, const char* key, const std::string& subject) {
  return checked(json_double(json, key, subject), key, subject);
}
double positive(const Json& json, const char* key, const std::string& subject, double fallback) {
  return checked(json_double(json, key, subject, fallback), key, subject);
}

// Wavelengths beyond the original length are stretched by `factor`, short ones kept, others blended.
float llama3_scaled(double frequency, const Json& scaling, const std::string& subject) {
  const double factor = positive(scaling, "factor", subject);
  const double low = positive(scaling, "low_freq_factor", subject);
  const double high = positive(scaling, "high_freq_factor", subject);
  const double original = positive(scaling, "original_max_position_embeddings", subject);
  if (low >= high) {
    fail(ErrorCode::kInput, subject, "low_freq_factor", fmt::format("{}", low), "less than high_freq_factor");
  }
  const double waves = original * frequency / (2 * std::numbers::pi);
  if (waves > high) return static_cast<float>(frequency);
  if (waves < low) return static_cast<float>(frequency / factor);
  const double smooth = (waves - low) / (high - low);
  return static_cast<float>((1 - smooth) * frequency / factor + smooth * frequency);
}

const Json& member_or(const Json& config, const char* key, const Json& fallback) {
  const auto found = config.find(key);
  return found == config.end() || !found->is_object() ? fallback : *found;
}

}  // namespace

std::vector<float> rotary_frequencies(const Json& config, const std::string& subject,
                                      const RotaryKeys& keys) {
  static const Json kNone = Json::object();
  const Json& scaling = member_or(config, "rope_parameters", member_or(config, "rope_scaling", kNone));
  if (std::any_of(scaling.begin(), scaling.end(), [](const Json& value) { return value.is_object(); })) {
    fail(ErrorCode::kUnsupported, subject, "rope_parameters", "of several kinds of layers",
         "one for all layers");
  }
  const double base =
      positive(scaling, "rope_theta", subject, positive(config, keys.base_key, subject, 10000));
  const double share = positive(scaling, "partial_rotary_factor", subject,
                                positive(config, keys.share_key, subject, keys.share));
  const std::string kind =
      json_string(scaling, "rope_type", subject, json_string(scaling, "type", subject, "default"));
  if (kind != "default" && kind != "linear" && kind != "llama3") {
    fail(ErrorCode::kUnsupported, subject, "rope_type", fmt::format("'{}'", printable(kind)),
         "'default', 'linear' or 'llama3'");
  }
  const auto rotated = static_cast<int64_t>(share * static_cast<double>(keys.head_size));
  if (share > 1 || rotated < 2 || rotated % 2 != 0) {
    const bool odd = share <= 1 && rotated >= 2;  // which transformers takes, cutting pairs apart
    fail(odd ? ErrorCode::kUnsupported : ErrorCode::kInput, subject, keys.share_key,
         fmt::format("{} of {}", share, keys.head_size), "an even number of elements to rotate");
  }
  constexpr int64_t kMost = int64_t{1} << 16;  // before the weights are looked at: it may be any number
  if (rotated > kMost) {
    fail(ErrorCode::kInput, subject, "head size",
         fmt::format("{} of {} elements to rotate", rotated, keys.head_size),
         fmt::format("at most {}", kMost));
  }
  std::vector<float> frequencies;
  for (int64_t i = 0; i < rotated; i += 2) {
    const double frequency = std::pow(base, -static_cast<double>(i) / static_cast<double>(rotated));
    if (kind == "llama3") frequencies.push_back(llama3_scaled(frequency, scaling, subject));
    if (kind == "linear") {
      frequencies.push_back(static_cast<float>(frequency / positive(scaling, "factor", subject)));
    }
    if (kind == "default") frequencies.push_back(static_cast<float>(frequency));
  }
  return frequencies;
}

void RotaryTable::prepare(int64_t n, const std::vector<float>& frequencies, MemoryAccount& account) {
  if (n <= positions_) return;
  positions_ = n;
  frequencies_ = std::ssize(frequencies);
  table_.reserve(account, 2 * n * frequencies_, "angles of rotary positions");
  for (int64_t position = 0; position < n; ++position) {
    float* const row = table_.data() + 2 * position * frequencies_;
    for (int64_t i = 0; i < frequencies_; ++i) {
      const float angle = static_cast<float>(position) * frequencies[static_cast<size_t>(i)];
      row[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
      row[frequencies_ + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  }
}

void RotaryTable::rotate(HeadsView<float> x, int threads) const {
  const int64_t half = frequencies_;
  parallel_for(threads, x.batch * x.heads, [&](int64_t task, int) {
    const MatrixView<float> head = x.matrix(task / x.heads, task % x.heads);
    for (int64_t position = 0; position < head.rows; ++position) {
      const float* const cosines = table_.data() + 2 * position * half;
      const float* const sines = cosines + half;
      float* const first = head.row(position);
      float* const second = first + half;
      for (int64_t i = 0; i < half; ++i) {
        const float a = first[i], b = second[i];
        first[i] = a * cosines[i] - b * sines[i];
        second[i] = b * cosines[i] + a * sines[i];
      }
    }
  });
}

}  // namespace linformer
