#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs what `make neon` has built, in an emulator: an ARM machine with NEON and without SVE.
# usage: run.sh [TEST]
#   TEST  a name or pattern as Catch2 takes them; default: all but those tagged [large], which take minutes there
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export OMP_WAIT_POLICY=passive

emulated=(qemu-aarch64 -L build/neon-packages -cpu neoverse-n1 build/neon/tests/arithmetic_tests --filenames-as-tags)
if [[ $# -gt 0 ]]; then exec "${emulated[@]}" "$@"; fi
# Singular values take about as long as everything else.
printf '%s\0' '[#singular_values_test]~[large]' '~[#singular_values_test]' |
  xargs -0 -n 1 -P "$(nproc)" "${emulated[@]}"
