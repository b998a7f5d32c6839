#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: readme_test.sh PROGRAM README [--write]
# The table of models in the README is the one that the program prints; --write puts it there.
set -eu
program=$1
readme=$2
begin='<!-- models -->'
end='<!-- end of models -->'

with_table() {
  sed "/^$begin\$/q" "$readme"
  "$program" info --models --format markdown
  sed -n "/^$end\$/,\$p" "$readme"
}

if [ "${3:-}" = --write ]; then
  text=$(with_table)
  printf '%s\n' "$text" >"$readme"
  exit
fi
grep -qx -- "$begin" "$readme"
grep -qx -- "$end" "$readme"
with_table | diff -u "$readme" - || { echo "run $0 PROGRAM README --write" >&2; exit 1; }
