#!/bin/sh
# SPDX-License-Identifier: MIT
# Finds the packages that the build and the tests need and installs what is missing, without asking questions.
# usage: setup.sh [--ci] [--figures] [--list] [--libraries]
#   --ci         also what .ci/run needs (clang and its tools, shellcheck, jq, what builds and runs programs for ARM)
#   --figures    also what draws figures (`report --figures`, `reproduce`); without it they are scripts and data
#   --list       print what is missing and install nothing
#   --libraries  print the packages of libraries, missing or not, and install nothing
set -eu
cd "$(dirname "$0")/.."

# One need a line; "a|b" is met by any of them, and the first one that can be had is installed.
# Debian 12's oneDNN asks for OpenCL when CMake looks for it; nothing of it is used.
tools='
g++
cmake
pkg-config|pkgconf
'
libraries='
libdnnl-dev
ocl-icd-opencl-dev
libhwy-dev
libcli11-dev
nlohmann-json3-dev
libfmt-dev
libutf8proc-dev
libsentencepiece-dev
libssl-dev
libjs-chart.js
libopenblas0-pthread|libopenblas0-openmp|libopenblas0-serial
catch2
rapidjson-dev
'
figure_needs='
gnuplot-nox|gnuplot-qt|gnuplot-x11
'
ci_needs='
git
clang-14|clang
clang-format-14|clang-format
clang-tidy-14|clang-tidy
libomp-14-dev|libomp-dev
libclang-rt-14-dev|libclang-rt-dev
shellcheck
jq
chromium
g++-aarch64-linux-gnu
qemu-user
'

needs="$tools$libraries"
list_only=no
for argument in "$@"; do
  case $argument in
    --ci) needs="$needs$figure_needs$ci_needs" ;;
    --figures) needs="$needs$figure_needs" ;;
    --list) list_only=yes ;;
    --libraries)
      for need in $libraries; do echo "${need%%|*}"; done
      exit 0
      ;;
    *)
      echo "setup: unknown argument '$argument'; known are --ci, --figures, --list and --libraries" >&2
      exit 2
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  # A tree that was configured here before has what it needs.
  if [ -e build/release/.configured ]; then exit 0; fi
  cat >&2 <<'END'
setup: this is not Debian or Ubuntu, so nothing is installed. If the configuration below fails, install these with
setup: your package manager:
setup:   a C++20 compiler with OpenMP (gcc 12 or newer), CMake 3.22 or newer, pkg-config
setup:   oneDNN 2.6 or newer (dnnl), Highway 1.0.3 or newer (hwy), CLI11, nlohmann-json, fmt, utf8proc,
setup:   sentencepiece, OpenSSL (libcrypto), OpenBLAS (libopenblas.so.0, loaded at run time), Chart.js 3 or 4;
setup:   for the tests Catch2 and RapidJSON; for figures gnuplot 5 with cairo
END
  exit 0
fi

# shellcheck disable=SC2046,SC2016  # one name a word; dpkg-query expands its own format
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(echo "$needs" | tr '|' ' ') 2>/dev/null || true)
missing=''
for need in $needs; do
  names=$(echo "$need" | tr '|' ' ')
  for name in $names; do
    case "
$installed
" in *"
$name installed
"*) continue 2 ;; esac
  done
  missing="$missing $need"
done
if [ -z "$missing" ]; then exit 0; fi
if [ "$list_only" = yes ]; then
  echo "$missing" | tr ' ' '\n' | sed '/^$/d'
  exit 0
fi

# The first of each need's names that the package lists know.
choose_packages() {
  packages=''
  for need in $missing; do
    chosen=${need%%|*}
    for name in $(echo "$need" | tr '|' ' '); do
      if apt-cache show "$name" >/dev/null 2>&1; then chosen=$name && break; fi
    done
    packages="$packages $chosen"
  done
}

as_root=''
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root='sudo -n'; else as_root=no; fi
fi
if [ "$as_root" = no ]; then
  choose_packages
  echo "setup: these packages are missing and need an administrator; run" >&2
  echo "setup:   sudo apt-get update && sudo apt-get install --no-install-recommends$packages" >&2
  exit 1
fi

$as_root apt-get update -qq
choose_packages
echo "setup: installing$packages and what they need; this takes a minute"
# shellcheck disable=SC2086  # one package a word
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
