#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes results/README.md: results/about.md, then a line for each folder that `linformer reproduce` left there.
# shellcheck disable=SC2016  # backquotes are Markdown here
set -eu
cd "$(dirname "$0")/../results"

{
  cat about.md
  echo
  echo '## The paper, reproduced'
  echo
  echo 'Each folder has a README with what was claimed, what was found here and how far to trust it, the reports and'
  echo 'the figures with their gnuplot scripts and data. `scripts/results_readme.sh` wrote this list.'
  echo 'All of them are on one page, `page.html`, which `make reproduce` makes beside this file.'
  echo
  echo '| folder | what | command |'
  echo '|---|---|---|'
  for readme in */README.md */*/README.md; do
    [ -e "$readme" ] || continue
    folder=${readme%/README.md}
    title=$(sed -n '1s/^# //p' "$readme")
    command=$(sed -n 's/^Made by \(`.*`\)\.$/\1/p' "$readme")
    echo "| [$folder]($readme) | $title | $command |"
  done
} >README.md
