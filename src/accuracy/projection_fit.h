// SPDX-License-Identifier: MIT
// E and F of a Linformer that come near a trained head's outputs.
#pragma once

#include <span>
#include <vector>

#include "accuracy/head_workspace.h"
#include "base/tensor.h"

namespace linformer {

/// One head on one sequence: [n, d] each, O what its attention gives.
struct FitSample {
  MatrixView<const float> q, k, v, o;
};

/// The sum of ‖Ô − O‖² over the samples, over that of ‖O‖²; Ô = softmax(scale · Q (E K)ᵀ) F V.
double projection_error(std::span<const FitSample> samples, float scale, MatrixView<const float> e,
                        MatrixView<const float> f, HeadWorkspace& workspace);

/// Fills E and F [k, n], which all samples share, by gradient descent (Adam: Kingma and Ba 2015) on the
/// relative squared error, from mean pooling on. `sequences`: the samples of each, a step's at a time; the
/// last quarter of them is kept back, and what was best there is what is returned, so that it is never worse
/// than mean pooling there. With a single sequence that one serves for both.
void fit_projection(std::span<const std::vector<FitSample>> sequences, float scale, MatrixView<float> e,
                    MatrixView<float> f, HeadWorkspace& workspace);

}  // namespace linformer
