#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: manual_test.sh PROGRAM MANUAL_PAGE
set -eu
program=$1
manual=$(sed 's/\\-/-/g; s/\\f[BIRP]//g' "$2")

# The names that a help text declares (not those that its prose mentions): the option column's long names.
long_options() { sed -nE 's/^ +((-[A-Za-z0-9],? *)?(--[a-z0-9-]+,? *)+).*/\1/p' | grep -oE -- '--[a-z0-9-]+' | sort -u; }
commands=$("$program" --help | awk 'tolower($0) ~ /^subcommands:/ { on = 1; next } /^[^ ]/ { on = 0 } on && /^  ?[a-z]/ { print $1 }')
[ -n "$commands" ] || { echo "no commands found in $program --help" >&2; exit 1; }

status=0
for command in $commands; do
  echo "$manual" | grep -q "^\.SS $command\$" || { echo "no section on '$command'" >&2; status=1; }
  for option in $("$program" "$command" --help | long_options); do
    echo "$manual" | grep -qE -- "$option([^a-z0-9-]|\$)" || { echo "$command: $option is missing" >&2; status=1; }
  done
done
exit $status
