// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "attention/mechanism.h"

namespace linformer {

/// O = F A⁺ (B V) with F = softmax(s Q K'ᵀ) [n, m], A = softmax(s Q' K'ᵀ) [m, m] and B = softmax(s Q' Kᵀ)
/// [m, n], Q' and K' the means of m segments of the rows of Q and of K (arXiv 2102.03902): segments as near
/// to n/m rows as whole numbers are, so m need not divide n. F and B are never made; A and its pseudo-inverse
/// are f64. No parameters; to both sides only, without masks and biases. `options`: see
/// parse_nystrom_options().
std::unique_ptr<Mechanism> make_nystrom(std::string_view options);

}  // namespace linformer
