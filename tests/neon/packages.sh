#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks the libraries that the build needs, as packages for 64-bit ARM, into a folder. Nothing is installed, and
# the package manager's own settings and lists stay as they are.
# usage: packages.sh FOLDER
# Needs a Debian system whose package source carries arm64, as Debian's own does.
set -euo pipefail
folder=${1:?usage: packages.sh FOLDER}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  echo "neon: $*" >&2
  exit 2
}
for tool in apt-get dpkg-deb aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$tool" >/dev/null || fail "'$tool' is missing; on Debian: apt-get install g++-aarch64-linux-gnu qemu-user"
done

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
# A package manager for a machine on which nothing is installed.
apt_arm64() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root \
    -o Debug::NoLocking=1 -o Dir::State="$state" -o Dir::State::status=/dev/null -o Dir::Cache="$state/cache" "$@"
}
apt_arm64 update
mapfile -t libraries < <("$here/../../scripts/setup.sh" --libraries)
apt_arm64 install --yes --download-only --no-install-recommends "${libraries[@]}" >"$state/log" 2>&1 || {
  cat "$state/log" >&2
  fail 'the package source of this system does not have these for arm64'
}

rm -rf "$folder"
mkdir -p "$folder"
for package in "$state"/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder"; done
# What installing it would choose as the one to be found by its name.
cd "$folder/usr/lib/aarch64-linux-gnu"
ln -s openblas-*/libopenblas.so.0 .
