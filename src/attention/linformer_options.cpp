// SPDX-License-Identifier: MIT
#include "attention/linformer_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"

namespace linformer {
namespace {

using Sharing = LinformerOptions::Sharing;
using Order = LinformerOptions::Order;
using Projection = LinformerOptions::Projection;

template <class Value>
using Name = std::pair<std::string_view, Value>;

constexpr Name<Sharing> kSharings[] = {{"none", Sharing::kNone},
                                       {"headwise", Sharing::kHeadwise},
                                       {"key-value", Sharing::kKeyValue},
                                       {"layerwise", Sharing::kLayerwise}};
constexpr Name<Order> kOrders[] = {{"after-weights", Order::kAfterWeights},
                                   {"before-weights", Order::kBeforeWeights}};
constexpr Name<Projection> kProjections[] = {{"learned", Projection::kLearned},
                                             {"gaussian", Projection::kGaussian},
                                             {"mean-pooling", Projection::kMeanPooling},
                                             {"max-pooling", Projection::kMaxPooling},
                                             {"convolution", Projection::kConvolution}};

[[noreturn]] void fail(std::string found, std::string expected) {
  throw Error(ErrorCode::kUsage,
              {.subject = "mechanism linformer", .found = std::move(found), .expected = std::move(expected)});
}

template <class Value>
Value value_named(std::string_view key, std::string_view name, std::span<const Name<Value>> names) {
  std::vector<std::string_view> known;
  for (const auto& [other, value] : names) {
    if (name == other) return value;
    known.push_back(other);
  }
  fail(fmt::format("'{}={}'", key, name), fmt::format("{}=one of: {}", key, fmt::join(known, ", ")));
}

template <class Value>
std::string_view name_of(Value value, std::span<const Name<Value>> names) {
  return std::ranges::find(names, value, &Name<Value>::second)->first;
}

int64_t size_from(std::string_view key, std::string_view number) {
  int64_t size = 0;
  const char* const end = number.data() + number.size();
  const auto [last, error] = std::from_chars(number.data(), end, size);
  if (error == std::errc() && last == end && size >= 1 && size <= (int64_t{1} << 31)) return size;
  fail(fmt::format("'{}={}'", key, number), fmt::format("{} = 1 to 2^31", key));
}

void take(std::string_view option, LinformerOptions& options) {
  const size_t equals = std::min(option.find('='), option.size());
  const std::string_view key = option.substr(0, equals);
  const std::string_view value = option.substr(std::min(equals + 1, option.size()));
  if (key == "k") {
    options.k = size_from(key, value);
  } else if (key == "n") {
    options.n = size_from(key, value);
  } else if (key == "sharing") {
    options.sharing = value_named<Sharing>(key, value, kSharings);
  } else if (key == "order") {
    options.order = value_named<Order>(key, value, kOrders);
  } else if (key == "projection") {
    options.projection = value_named<Projection>(key, value, kProjections);
  } else {
    fail(fmt::format("'{}'", option), "k=NUMBER, sharing=NAME, projection=NAME, order=NAME or n=NUMBER");
  }
}

}  // namespace

LinformerOptions parse_linformer_options(std::string_view text) {
  LinformerOptions options;
  std::set<std::string_view> keys;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view option = text.substr(0, comma), key = option.substr(0, option.find('='));
    take(option, options);
    if (!keys.insert(key).second) fail(fmt::format("'{}' twice", key), "each option once");
    if (comma + 1 == text.size()) fail("a comma at the end", "an option after it");
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (keys.contains("sharing") && options.pools())
    fail("sharing of what pools", "no sharing: there are no parameters");
  // E and F of a Gaussian projection are made of one R, which heads share or do not.
  if (options.projection == Projection::kGaussian && options.sharing == Sharing::kHeadwise) {
    options.sharing = Sharing::kKeyValue;
  }
  return options;
}

std::string canonical(const LinformerOptions& o) {
  std::string text = fmt::format("linformer:k={}", o.k);
  if (!o.pools()) text += fmt::format(",sharing={}", name_of<Sharing>(o.sharing, kSharings));
  if (o.projection != LinformerOptions{}.projection) {
    text += fmt::format(",projection={}", name_of<Projection>(o.projection, kProjections));
  }
  if (o.order != LinformerOptions{}.order) text += fmt::format(",order={}", name_of<Order>(o.order, kOrders));
  if (o.n != 0) text += fmt::format(",n={}", o.n);
  return text;
}

}  // namespace linformer
