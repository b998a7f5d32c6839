// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <tuple>

#include "model/planner.h"

namespace linformer {

/// What the layouts of Linformers share: sizes come from shapes, since most files have no config.json.
class LinformerPlanner : public Planner {
 protected:
  using Planner::Planner;

  /// The shape of a tensor, which must have this rank. Throws Error(kInput) where it is missing or has
  /// another.
  const Shape& shape_of(const std::string& tensor, size_t rank) const;
  /// How many of name(0), name(1) ... there are without a gap.
  template <class Name>
  int64_t count(const Name& name) const {
    int64_t i = 0;
    while (has(name(i))) ++i;
    return i;
  }
  /// The same. Throws Error(kInput) if there is none.
  template <class Name>
  int64_t count_some(const Name& name) const {
    checkpoint_.get(name(0));
    return count(name);
  }
  /// An integer from config.json or from what the file says of itself, that its tensors do not tell.
  int64_t untold_size(const char* key, const std::string& what) const;
  /// Throws Error(kUnsupported) unless the option is missing or has this value; fairseq's args hold 0 and 1.
  void require_option(const char* key, bool value) const;
  [[noreturn]] void unsupported(std::string found, std::string expected) const;

  /// Of several names for the same bytes, as torch.save writes shared weights, the first in order.
  std::string same_bytes(const std::string& tensor) const;

  /// torch.nn.Linear and Embedding, whose untrained weights have variances 1 / (3 in) and 1.
  DenseRefs linear(const std::string& name, int64_t out, int64_t in, bool bias = true) const;
  TensorRef embedding(const std::string& name, int64_t rows, int64_t width) const;

  /// Where fairseq's linear attention and what was made of it have different names.
  struct LayerNames {
    const char* attention;  ///< before q_proj, k_proj, v_proj, out_proj
    const char* attention_norm;
    const char* ffn_in;
    const char* ffn_out;
  };
  /// The layer whose tensors begin with `prefix`, with E and F on its input.
  LayerRefs fairseq_layer(const LayerNames& names, const std::string& prefix, const TensorRef& e,
                          const TensorRef& f) const;

 private:
  /// Where a tensor's values are, and how.
  using Place = std::tuple<const std::byte*, size_t, DType, Shape, Shape>;
  static Place place_of(const TensorInfo& tensor);

  mutable std::map<Place, std::string> names_;  ///< the first at each place
};

}  // namespace linformer
