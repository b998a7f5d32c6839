// SPDX-License-Identifier: MIT
// What can stand in the place of a trained head's attention, so that its price can be measured.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "accuracy/head_workspace.h"
#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// One head on one sequence of n tokens: O = P V. Views of the caller's.
struct HeadInput {
  int64_t layer = 0, head = 0;      ///< numbers in the model
  MatrixView<const float> q, k, v;  ///< [n, d]
  MatrixView<const float> p;        ///< [n, n], softmax(scale · Q Kᵀ + B + M)
  float scale = 1;
  bool causal = false;  ///< M hides the keys after a query's own
};

/// Receives what stands in for O at ks[i]: Ô [n, d], and P̂ [n, n] where the replacement gives every query a
/// distribution over keys, else no data. Valid during the call.
using HeadReceiver = std::function<void(size_t i, MatrixView<const float> o, MatrixView<const float> p)>;

/// What a replacement has learnt, by name.
struct LearntTensor {
  std::string name;
  MatrixView<const float> values;
};

enum class ReplacementKind {
  kExact,         ///< differs by rounding alone
  kOptimum,       ///< made from the very P or O that it replaces: a bound, not a method
  kApproximates,  ///< a method that estimates a trained head
  kUntrained      ///< means something only in a model that was trained with it
};
/// "exact", "optimum", "approximates", "untrained".
std::string_view name_of(ReplacementKind kind);

struct ReplacementTraits {
  ReplacementKind kind = ReplacementKind::kApproximates;
  bool ranked = true;         ///< there is one for each k; else k is 0
  bool calibrated = false;    ///< learns from other sequences first
  bool distribution = false;  ///< gives P̂
  bool causal = false;        ///< has a form in which no query sees later keys
};

/// Made for heads of sequences of one length n. apply() and see() may be called from several threads at once,
/// see() for different heads only.
class Replacement {
 public:
  virtual ~Replacement() = default;

  /// Its specification at k in canonical form, as "subspace:k=64,sharing=head".
  virtual std::string name(int64_t k) const = 0;
  virtual ReplacementTraits traits() const = 0;
  /// Each k that it was made for, ascending; {0} where it has none.
  const std::vector<int64_t>& ks() const { return ks_; }

  /// A calibration sequence's head; layers come one after the other, the sequences of a layer in order.
  virtual void see(const HeadInput&, HeadWorkspace&) {}
  /// Every calibration sequence of the layer was seen; then, every layer.
  virtual void learn_layer(int64_t, Run&) {}
  virtual void learn_model(Run&) {}

  /// How learning from so many sequences grows, beside seeing them: the work of learn_layer() in whatever
  /// unit, and the bytes that are kept of a layer's.
  struct Learning {
    double work = 1;
    int64_t bytes = 0;
  };
  virtual Learning learning(int64_t) const { return {}; }

  /// After learn_model(), of these layers and heads; valid as long as it lives. None unless it says so.
  virtual std::vector<LearntTensor> learnt(const std::vector<int64_t>&, const std::vector<int64_t>&) const {
    return {};
  }

  /// Calls `receive` for each of `ks`, which are some of ks(), in order.
  virtual void apply(const HeadInput& in, std::span<const int64_t> ks, HeadWorkspace& workspace,
                     const HeadReceiver& receive) const = 0;

 protected:
  explicit Replacement(std::vector<int64_t> ks) : ks_(std::move(ks)) {}

 private:
  std::vector<int64_t> ks_;
};

/// What all replacements of a model are made for.
struct ReplacementSizes {
  int64_t layers = 0, heads = 0;  ///< of the model
  int64_t length = 0;             ///< n
  int64_t head_size = 0;          ///< d
  float scale = 1;
  bool distance_bias = false;  ///< the logits are more than scale · Q Kᵀ
  uint64_t seed = 1;           ///< of random parameters
};

/// From "name" or "name:option=value,...": one with a k (or landmarks) is made for it, one without for each
/// of `ks`. Names are svd, pv-svd, subspace, fitted, mean-v, local, and those of mechanisms. Throws
/// Error(kUsage) for another name, option or k (1 to n), and for one that the model cannot have.
std::unique_ptr<Replacement> make_replacement(std::string_view specification, const std::vector<int64_t>& ks,
                                              const ReplacementSizes& sizes, Run& run);
std::vector<std::string> replacement_names();

}  // namespace linformer
