// SPDX-License-Identifier: MIT
// Which of Highway's instruction sets the kernels are compiled for; to be included before any of its headers.
// Scalable vectors are left out, those of SVE at a fixed length too: they cannot be in arrays, and kernels
// that keep tiles in registers have arrays of them. ARM machines with SVE use NEON.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
