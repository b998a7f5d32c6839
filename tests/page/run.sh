#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes reports with the program and a page of them, and uses the page in a real browser, without a window.
# usage: run.sh PROGRAM [FOLDER]   pictures of the page are left in FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "${1:?usage: run.sh PROGRAM [FOLDER]}")
shots=${2:+$(realpath -m "$2")}

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [[ -z $browser ]] || ! command -v python3 >/dev/null; then
  echo 'skipped: the page is tested in chromium by python3; one of them is not here'
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cd "$scratch"
analyze() { "$program" analyze-spectrum --quiet "$@" >/dev/null; }
bench() { "$program" bench --k 16,32 --num-heads 2 --quiet "$@" >/dev/null; }
analyze --sequences 6 --length 64 --out spectrum.json
bench --lengths 64..256*2 --budget 4s --out bench.json
analyze --sequences 6 --length 80 --attention-maps 2 --out maps.json
analyze --lengths 64,128 --sequences 1 --values 16 --out free.json
replace=(--sequences 12 --length 48 --k '8,24' --quiet)
"$program" accuracy "${replace[@]}" --mechanisms 'flash;mean-v;svd;fitted;linformer:sharing=layerwise,projection=gaussian' \
  --out accuracy.json >/dev/null
"$program" advise "${replace[@]}" --budget 1s --out advise.json >/dev/null
"$program" bench --fit-batch 64MB --lengths 64..1024*4 --k 16,128 --num-heads 2 --budget 1s --quiet --out fit.json >/dev/null
# What is not there in every report: one length, intervals, controls, measured cells.
for n in 20 33 47 20 61 18; do seq -s, 5 "$n" | sed 's/.*/[&]/'; done >ids.jsonl
analyze --ids ids.jsonl --logits --control matched,permuted,init --out unequal.json
analyze --sequences 2 --length 64 --out few.json
analyze --sequences 6 --length 64 --control none --out alone.json
bench --lengths 64 --memory 100KB --out too-large.json || [[ $? -eq 5 ]] # nothing fits
export TMPDIR=$scratch LINFORMER_PROGRAM=$program LINFORMER_BROWSER=$browser LINFORMER_SHOTS=$shots
PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover --verbose --start-directory "$here" --pattern "*_test.py"
