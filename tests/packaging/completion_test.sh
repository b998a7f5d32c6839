#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: completion_test.sh PROGRAM COMPLETION
set -euo pipefail
program=$1
# shellcheck disable=SC1090,SC1091  # named by the caller
source "$2"

status=0
# expect COMPLETION WORDS...: pressing tab after WORDS offers COMPLETION among others.
expect() {
  local wanted=$1
  shift
  COMP_WORDS=("$program" "$@")
  COMP_CWORD=$#
  _linformer
  if ! printf '%s\n' "${COMPREPLY[@]}" | grep -qxF -- "$wanted"; then
    echo "'$*' does not complete to '$wanted' but to: ${COMPREPLY[*]}" >&2
    status=1
  fi
}

expect info in
expect analyze-spectrum ''
expect --version --v
expect --checkpoint info --ch
expect --sequences analyze-spectrum --s
expect markdown analyze-spectrum --format m
expect cross attention --stack c
exit $status
