// SPDX-License-Identifier: MIT
// What people read of an evaluation of replacements.
#pragma once

#include <string>
#include <vector>

#include "accuracy/result.h"
#include "report/table.h"

namespace linformer {

/// How many sequences were learnt from, the loss of the model as it is, and whether the run was stopped: a
/// line each.
std::string accuracy_preface(const AccuracyResult& result);

/// A row a cell: output error with half its interval, skill and divergence of its heads, the skill of
/// untrained models, and of the model with all layers replaced the error of its hidden states, the increase
/// of its loss and the agreement of its predictions. What was not measured is left out.
Table accuracy_table(const AccuracyResult& result);

/// A column a layer and a row a method, at the k that is nearest to n/4 where it has one: the mean skill of
/// the layer's heads; and, with that layer alone replaced, the error of the last hidden states and the
/// increase of the loss, as far as they were measured.
std::vector<Table> accuracy_layer_tables(const AccuracyResult& result);

/// Every mean in long form: cell, method, k, kind, series ("model" or "untrained" of heads; "alone" and "all"
/// of the model with that layer or all replaced), layer and head (empty: all), statistic, mean, low, high.
Table accuracy_long_table(const AccuracyResult& result);

}  // namespace linformer
