// SPDX-License-Identifier: MIT
// The controls that a head's spectrum is set beside (METHODS.md), and how their matrices are made: each is
// written in place and depends on its stream alone. One thread; no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/tensor.h"

namespace linformer {

inline constexpr const char* kMatchedControl = "matched";
inline constexpr const char* kPermutedControl = "permuted";
inline constexpr const char* kCausalUniformControl = "causal-uniform";
inline constexpr const char* kInitControl = "init";

/// What a control is called and what it needs.
struct ControlKind {
  const char* name;
  bool needs_causal;      ///< causal heads
  bool needs_checkpoint;  ///< it is a model of its own, not made from single heads
  const char* help;       ///< what it is, in a few words
};

/// All controls, in the order in which they are made: each overwrites P, and `permuted` needs P itself.
inline constexpr std::array kControls = {
    ControlKind{kPermutedControl, false, false, "the entries of each row in random order"},
    ControlKind{kMatchedControl, false, false, "Gaussian logits, the head's row entropy"},
    ControlKind{kCausalUniformControl, true, false, "uniform over the past"},
    ControlKind{kInitControl, false, true, "the architecture with random weights"}};

/// Their names, and "none": what an option takes.
std::vector<std::string> control_names();
/// "permuted (the entries of each row in random order), matched (...), ...", with what each needs.
std::string control_help();

/// The control of this name, or null.
const ControlKind* find_control(std::string_view name);

/// Which control draws; RandomStream::purpose.
enum class ControlPurpose : uint32_t { kPermuted = 0x43540001, kMatched = 0x43540002 };

/// The stream of one control matrix: sequence < 2^32, layer and head < 2^16.
RandomStream control_stream(uint64_t seed, ControlPurpose purpose, int64_t sequence, int64_t layer,
                            int64_t head);

/// `permuted`: the entries of each row of p[rows, cols] in random order (Fisher-Yates), every row by itself;
/// causal: the first min(i + 1, cols) of row i only.
void permute_rows(MatrixView<float> p, bool causal, const RandomStream& stream);

/// `causal-uniform`: P_ij = 1/min(i + 1, cols) for j <= i, else 0.
void causal_uniform(MatrixView<float> p);

/// out[n, m] = q[n, d] k[m, d]ᵀ.
using MatrixProduct =
    std::function<void(MatrixView<const float> q, MatrixView<const float> k, MatrixView<float> out)>;

struct MatchedOptions {
  int64_t d = 0;  ///< rank of the logits, >= 1
  bool causal = false;
  double entropy = 0;  ///< the mean row entropy to reach, nats
};

struct MatchedResult {
  double scale = 0;    ///< alpha
  double entropy = 0;  ///< mean row entropy at alpha
  int evaluations = 0;
};

/// Largest alpha tried by `matched`. At 512 columns it leaves a mean row entropy of about 1e-5.
inline constexpr double kLargestScale = 1e6;

/// Elements of workspace that matched_control needs.
inline int64_t matched_workspace(int64_t rows, int64_t cols, int64_t d) { return (rows + cols) * d; }

/// `matched`: p[rows, cols] = softmax(alpha Q'K'ᵀ/√d), masked if causal, with entries of Q'[rows, d] and
/// K'[cols, d] from N(0, 1) and the alpha >= 0 whose mean row entropy is options.entropy within 1e-6 ln cols.
/// An entropy that no alpha reaches gives alpha = 0 (uniform rows) or kLargestScale.
MatchedResult matched_control(MatrixView<float> p, const MatchedOptions& options, const RandomStream& stream,
                              const MatrixProduct& product, std::span<float> workspace);

/// The alpha of matched_control for given logits [rows, cols], which are not changed. Newton's method in
/// alpha² (d mean H / d alpha² = −½ mean Var), bracketed; H falls monotonically in alpha.
MatchedResult solve_scale(MatrixView<const float> logits, bool causal, double entropy);

}  // namespace linformer
