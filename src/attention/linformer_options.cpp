// SPDX-License-Identifier: MIT
#include "attention/linformer_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "attention/option_text.h"

namespace linformer {
namespace {

using Sharing = LinformerOptions::Sharing;
using Order = LinformerOptions::Order;
using Projection = LinformerOptions::Projection;

constexpr NameOf<Sharing> kSharings[] = {{"none", Sharing::kNone},
                                         {"headwise", Sharing::kHeadwise},
                                         {"key-value", Sharing::kKeyValue},
                                         {"layerwise", Sharing::kLayerwise}};
constexpr NameOf<Order> kOrders[] = {{"after-weights", Order::kAfterWeights},
                                     {"before-weights", Order::kBeforeWeights}};
constexpr NameOf<Projection> kProjections[] = {{"learned", Projection::kLearned},
                                               {"gaussian", Projection::kGaussian},
                                               {"mean-pooling", Projection::kMeanPooling},
                                               {"max-pooling", Projection::kMaxPooling},
                                               {"convolution", Projection::kConvolution}};

template <class Value>
std::string_view name_of(Value value, std::span<const NameOf<Value>> names) {
  return std::ranges::find(names, value, &NameOf<Value>::second)->first;
}

// False if there is no such option.
bool take(const OptionText& read, std::string_view key, std::string_view value, LinformerOptions& options) {
  if (key == "k") {
    options.k = read.size(key, value);
  } else if (key == "n") {
    options.n = read.size(key, value);
  } else if (key == "sharing") {
    options.sharing = read.named<Sharing>(key, value, kSharings);
  } else if (key == "order") {
    options.order = read.named<Order>(key, value, kOrders);
  } else if (key == "projection") {
    options.projection = read.named<Projection>(key, value, kProjections);
  } else {
    return false;
  }
  return true;
}

}  // namespace

void refuse_linformer(std::string found, std::string expected) {
  OptionText("linformer").fail(std::move(found), std::move(expected));
}

LinformerOptions parse_linformer_options(std::string_view text) {
  const OptionText reader("linformer");
  LinformerOptions options;
  const auto keys = reader.read(
      text, "k=NUMBER, sharing=NAME, projection=NAME, order=NAME or n=NUMBER",
      [&](std::string_view key, std::string_view value) { return take(reader, key, value, options); });
  if (keys.contains("sharing") && options.pools())
    refuse_linformer("sharing of what pools", "no sharing: there are no parameters");
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
