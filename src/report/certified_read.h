// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "report/field.h"
#include "spectrum/result.h"

namespace linformer {

/// `results.certified` as it was written: lists are for the m that the report has. Throws Error(kInput)
/// naming the member for what is missing, of another type or does not fit the rest.
std::vector<CertifiedSpectrum> read_certified(const Field& certified);

}  // namespace linformer
