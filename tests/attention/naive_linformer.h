// SPDX-License-Identifier: MIT
// A Linformer by f64 loops: what each projection makes of K and V, then naive attention over the slots.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "attention/linformer_options.h"
#include "attention/naive_attention.h"

namespace linformer {

enum class Padding { kNone, kRight, kHoles, kWholeSequence };

struct LinformerCase {
  std::string options;  // after "linformer:"
  AttentionShape shape;
  int64_t kv_heads;
  Padding padding = Padding::kNone;
};

/// Whether token j of n of sequence b is padding.
inline bool padded(Padding padding, int64_t b, int64_t j, int64_t n) {
  if (padding == Padding::kRight) return j >= n - (b + 1) * n / 4;
  if (padding == Padding::kHoles) return (j + b) % 3 == 1;
  return padding == Padding::kWholeSequence && b == 0;
}

/// Slots made of the rows of x [n, d]; `trained` positions, one group's parameter `e`.
struct NaiveSlots {
  std::vector<double> values;  // [k, d]
  std::vector<float> mask;     // [k]

  NaiveSlots(const LinformerOptions& o, int64_t trained, const float* e, double factor,
             MatrixView<const float> x, const std::vector<bool>& padding) {
    using Projection = LinformerOptions::Projection;
    const int64_t d = x.cols, c = (trained + o.k - 1) / o.k;
    for (int64_t i = 0; i < o.k; ++i) {
      std::vector<double> slot(static_cast<size_t>(d));
      int64_t count = 0;
      for (int64_t j = 0; j < x.rows; ++j) {
        const bool pools = i * trained < (j + 1) * o.k && (j + 1) * o.k <= (i + 1) * trained;
        if (padding[static_cast<size_t>(j)] || (o.pools() && !pools)) continue;
        if (o.projection == Projection::kConvolution && j / c != i) continue;
        ++count;
        for (int64_t a = 0; a < d; ++a) {
          double& y = slot[static_cast<size_t>(a)];
          const auto value = static_cast<double>(x.row(j)[a]);
          if (o.projection == Projection::kMeanPooling) {
            y += value;
          } else if (o.projection == Projection::kMaxPooling) {
            y = count == 1 ? value : std::max(y, value);
          } else if (o.projection == Projection::kConvolution) {
            for (int64_t in = 0; in < d; ++in)
              y += static_cast<double>(e[(a * d + in) * c + j % c]) * static_cast<double>(x.row(j)[in]);
          } else {
            y += factor * static_cast<double>(e[i * trained + j]) * value;
          }
        }
      }
      for (double& y : slot) {
        if (o.projection == Projection::kMeanPooling && count > 0) y /= static_cast<double>(count);
      }
      values.insert(values.end(), slot.begin(), slot.end());
      mask.push_back(count > 0 ? 0 : -std::numeric_limits<float>::infinity());
    }
  }
};

/// Parameters drawn as their specs say.
struct DrawnParameters {
  std::vector<std::vector<float>> values;
  std::vector<const float*> pointers;

  explicit DrawnParameters(const std::vector<ParameterSpec>& specs) {
    for (const ParameterSpec& spec : specs) {
      Random random({.seed = 5, .purpose = 78, .index = values.size()});
      auto& tensor = values.emplace_back(static_cast<size_t>(element_count(spec.shape).value()));
      for (float& x : tensor) x = spec.init.deviation * random.normal();
    }
    for (const auto& tensor : values) pointers.push_back(tensor.data());
  }
};

/// Largest errors of O, P̄ and logits, with taps and without, and of the mechanism's own reference, against
/// the loops.
struct LinformerErrors {
  Errors tapped, untapped, reference;
};

/// A mechanism and its naive twin on the same numbers. Tokens that are padding hold NaN.
class LinformerTrial {
 public:
  explicit LinformerTrial(const LinformerCase& c)
      : case_(c),
        s_(c.shape),
        options_(parse_linformer_options(c.options)),
        mechanism_(make_mechanism("linformer:" + c.options)),
        parameters_(mechanism_->parameters(s_)),
        q_(s_.batch, s_.heads, s_.queries, s_.head_size),
        k_(s_.batch, c.kv_heads, s_.keys, s_.head_size),
        v_(s_.batch, c.kv_heads, s_.keys, s_.value_size, s_.value_size + 3),
        keys_(s_.batch, s_.heads, options_.k, s_.head_size),
        values_(s_.batch, s_.heads, options_.k, s_.value_size) {
    q_.fill(1, 1), k_.fill(1, 2), v_.fill(1, 3);
    for (int64_t b = 0; b < s_.batch; ++b) {
      pad(b);
      for (int64_t h = 0; h < s_.heads; ++h) make_slots(b, h);
    }
    mechanism_->prepare(s_, parameters_.pointers);
  }

  LinformerErrors errors() {
    const Heads logits(s_.batch, s_.heads, s_.queries, options_.k),
        p(s_.batch, s_.heads, s_.queries, options_.k);
    LinformerErrors errors;
    errors.tapped = run({logits.view, p.view});
    errors.untapped = run({});
    errors.reference = of_reference();
    return errors;
  }

 private:
  void pad(int64_t b) {
    for (int64_t j = 0; j < s_.keys; ++j) {
      const bool padding = padded(case_.padding, b, j, s_.keys);
      mask_.push_back(padding ? -std::numeric_limits<float>::infinity() : 0.0f);
      for (int64_t h = 0; h < case_.kv_heads && padding; ++h) {
        std::fill_n(k_.view.matrix(b, h).row(j), s_.head_size, std::nanf(""));
        std::fill_n(v_.view.matrix(b, h).row(j), s_.value_size, std::nanf(""));
      }
    }
  }

  void make_slots(int64_t b, int64_t h) {
    std::vector<bool> padding;
    for (int64_t j = 0; j < s_.keys; ++j) padding.push_back(padded(case_.padding, b, j, s_.keys));
    const int64_t n = options_.n == 0 ? s_.keys : options_.n, kv = h / (s_.heads / case_.kv_heads);
    const bool gaussian = options_.projection == LinformerOptions::Projection::kGaussian;
    const double delta = 1 / static_cast<double>(n);
    const NaiveSlots keys(options_, n, parameter(0, h), gaussian ? delta : 1, k_.view.matrix(b, kv), padding);
    const NaiveSlots values(options_, n, parameter(1, h), gaussian ? std::exp(-delta) : 1,
                            v_.view.matrix(b, kv), padding);
    const auto narrow = [](double x) { return static_cast<float>(x); };
    std::transform(keys.values.begin(), keys.values.end(), keys_.view.matrix(b, h).data, narrow);
    std::transform(values.values.begin(), values.values.end(), values_.view.matrix(b, h).data, narrow);
    if (h == 0) slot_mask_.insert(slot_mask_.end(), keys.mask.begin(), keys.mask.end());
  }

  // What head h has of E (0) or F (1).
  const float* parameter(size_t which, int64_t h) const {
    if (parameters_.values.empty()) return nullptr;
    const auto& tensor = parameters_.values[options_.one_matrix() ? 0 : which];
    return tensor.data() + (options_.of_heads() ? h * (std::ssize(tensor) / s_.heads) : 0);
  }

  AttentionInput input() const {
    AttentionInput in{.q = q_.view, .k = k_.view, .v = v_.view};
    if (case_.padding != Padding::kNone) in.key_mask = {mask_.data(), s_.batch, s_.keys, s_.keys};
    return in;
  }

  // Of exact attention over the slots.
  Errors compare_slots(const Heads& out, const AttentionTaps& taps) const {
    AttentionShape over = s_;
    over.keys = options_.k;
    return compare(over,
                   {.q = q_.view,
                    .k = keys_.view,
                    .v = values_.view,
                    .key_mask = {slot_mask_.data(), s_.batch, options_.k, options_.k}},
                   out.view, taps);
  }

  Errors run(const AttentionTaps& taps) {
    MemoryAccount memory;
    Run two{.memory = memory, .threads = 2};
    const Heads out(s_.batch, s_.heads, s_.queries, s_.value_size);
    const RawBuffer workspace(memory, mechanism_->workspace_bytes(s_, two.threads, taps.any()), "workspace");
    mechanism_->run(s_, input(), out.view, taps, workspace.span(), two);
    CHECK(memory.current_bytes() == workspace.bytes());
    return compare_slots(out, taps);
  }

  Errors of_reference() const {
    const Heads out(s_.batch, s_.heads, s_.queries, s_.value_size);
    std::vector<int64_t> rows(static_cast<size_t>(s_.queries));
    std::iota(rows.begin(), rows.end(), int64_t{0});
    for (int64_t b = 0; b < s_.batch; ++b) {
      for (int64_t h = 0; h < s_.heads; ++h) {
        const std::vector<double> all = mechanism_->reference(s_, input(), b, h, rows).o;
        std::transform(all.begin(), all.end(), out.view.matrix(b, h).data,
                       [](double x) { return static_cast<float>(x); });
      }
    }
    return compare_slots(out, {});
  }

  LinformerCase case_;
  AttentionShape s_;
  LinformerOptions options_;
  std::unique_ptr<Mechanism> mechanism_;
  DrawnParameters parameters_;
  Heads q_, k_, v_;
  Heads keys_, values_;  // the slots, in f32 for the attention over them
  std::vector<float> mask_, slot_mask_;
};

inline void check(const LinformerCase& c) {
  INFO(c.options << " n " << c.shape.keys << " d " << c.shape.head_size << " heads of keys " << c.kv_heads
                 << " padding " << static_cast<int>(c.padding));
  const LinformerErrors e = LinformerTrial(c).errors();
  CHECK(e.tapped.output <= 2e-6);
  // Scores are of sums over n.
  CHECK(e.tapped.probabilities <= 5e-6);
  CHECK(e.tapped.logits <= 4e-6 * std::sqrt(static_cast<double>(c.shape.keys)));
  CHECK(e.tapped.masked == 0);
  CHECK(e.untapped.output <= 2e-6);
  CHECK(e.reference.output <= 1e-6);
}

}  // namespace linformer
