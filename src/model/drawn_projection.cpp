// SPDX-License-Identifier: MIT
#include "model/drawn_projection.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/random_fill.h"
#include "base/stride.h"

namespace linformer {
namespace {

constexpr uint32_t kDrawPurpose = 0x1218;

using Sharing = LinformerOptions::Sharing;

// How many matrices there are, and how large each is.
struct Layout {
  int64_t matrices, rows, columns;
  int64_t floats() const { return whole_lines(rows * columns); }
};

Layout layout_of(const Architecture& a, const LinformerOptions& o, int64_t n) {
  const int64_t of_layer = o.one_matrix() ? 1 : 2;
  return {.matrices = o.sharing == Sharing::kLayerwise ? 1 : a.layers * of_layer,
          .rows = (o.of_heads() ? a.kv_heads : 1) * o.k,
          .columns = n};
}

void require_possible(const Architecture& a, const LinformerOptions& o) {
  const auto fail = [](std::string found, std::string expected) {
    throw Error(
        ErrorCode::kUsage,
        {.subject = "mechanism linformer", .found = std::move(found), .expected = std::move(expected)});
  };
  if (o.projection != LinformerOptions::Projection::kLearned) {
    fail("another projection than learned", "projection=learned in layers and models");
  }
  if (o.n != 0) fail(fmt::format("n={}", o.n), "none: in layers and models E and F are as long as the input");
  if (a.causal) fail("causal attention", "attention to both sides: E and F mix future positions");
  if (a.distance_buckets.count > 0 || !a.rotary_frequencies.empty()) {
    fail("a model that tells positions by distance",
         "positions in the hidden states: slots have no distance");
  }
  if (o.of_heads() && o.order == LinformerOptions::Order::kBeforeWeights) {
    fail("order=before-weights with sharing=none",
         "sharing=headwise, key-value or layerwise: before the weights there are no heads");
  }
}

}  // namespace

int64_t projection_bytes(const Architecture& a, const LinformerOptions& o, int64_t length) {
  const Layout layout = layout_of(a, o, length);
  return layout.matrices * layout.floats() * static_cast<int64_t>(sizeof(float));
}

DrawnProjection lay_out_projection(const Architecture& a, const LinformerOptions& o, int64_t length) {
  require_possible(a, o);
  const Layout layout = layout_of(a, o, length);
  const bool before = o.order == LinformerOptions::Order::kBeforeWeights;
  DrawnProjection drawn;
  drawn.how = {.k = std::vector<int64_t>(static_cast<size_t>(a.layers), o.k),
               .sharing = {.heads = !o.of_heads(),
                           .keys_values = o.one_matrix(),
                           .layers = o.sharing == Sharing::kLayerwise},
               .order = before ? Projection::Order::kBeforeWeights : Projection::Order::kAfterWeights};
  const DenseWeights matrix{.weight = {nullptr, layout.rows, layout.columns, layout.columns}};
  drawn.layers.assign(static_cast<size_t>(a.layers), {.slots = o.k, .keys = matrix, .values = matrix});
  return drawn;
}

DrawnProjection draw_projection(const Architecture& a, const LinformerOptions& o, int64_t length,
                                uint64_t seed, Run& run) {
  DrawnProjection drawn = lay_out_projection(a, o, length);
  const Layout layout = layout_of(a, o, length);
  drawn.storage = Buffer<float>(run.memory, layout.matrices * layout.floats(), "projections");
  fill_normal({drawn.storage.data(), static_cast<size_t>(drawn.storage.size())},
              1 / std::sqrt(static_cast<float>(o.k)), {.seed = seed, .purpose = kDrawPurpose}, run.threads);
  int64_t next = 0;
  const auto place = [&] { return drawn.storage.data() + next++ % layout.matrices * layout.floats(); };
  for (ProjectionWeights& layer : drawn.layers) {
    layer.keys.weight.data = place();
    layer.values.weight.data = o.one_matrix() ? layer.keys.weight.data : place();
  }
  return drawn;
}

}  // namespace linformer
