// SPDX-License-Identifier: MIT
// The makers of replacements, each in the file of its name; for make_replacement() alone.
#pragma once

#include <memory>
#include <vector>

#include "accuracy/replacement.h"
#include "accuracy/sharing.h"

namespace linformer {

/// P_k, the optimum of rank k for P itself.
std::unique_ptr<Replacement> make_svd(std::vector<int64_t> ks);
/// (P V)_k, the optimum of rank k for the output; the output itself from k = d on.
std::unique_ptr<Replacement> make_pv_svd(std::vector<int64_t> ks);
/// P U Uᵀ, U the k directions in which calibration's P have most energy.
std::unique_ptr<Replacement> make_subspace(std::vector<int64_t> ks, HeadSharing sharing,
                                           const ReplacementSizes& sizes, Run& run);
/// A Linformer whose E and F were fitted to the outputs of calibration; of a head or a layer.
std::unique_ptr<Replacement> make_fitted(std::vector<int64_t> ks, HeadSharing sharing,
                                         const ReplacementSizes& sizes, Run& run);
/// The mean of V, whatever the query.
std::unique_ptr<Replacement> make_mean_v();
/// P over the k nearest keys alone, normalised again.
std::unique_ptr<Replacement> make_local(std::vector<int64_t> ks);
/// A mechanism of attention/, its parameters as they begin before training.
std::unique_ptr<Replacement> make_by_mechanism(std::string specification, std::vector<int64_t> ks,
                                               const ReplacementSizes& sizes, Run& run);

}  // namespace linformer
