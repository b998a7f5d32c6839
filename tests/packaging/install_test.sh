#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: install_test.sh CMAKE BUILD_DIRECTORY VERSION
set -eu
cmake=$1 build=$2 version=$3

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root/stage "$cmake" --install "$build" --prefix /usr >/dev/null
mkdir "$root/empty"
cd "$root/empty"

for file in bin/linformer share/man/man1/linformer.1 share/bash-completion/completions/linformer; do
  [ -f "$root/stage/usr/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
found=$(env -i PATH=/usr/bin:/bin "$root/stage/usr/bin/linformer" --version)
case $found in
  *"$version"*) ;;
  *) echo "--version printed '$found', expected $version in it" >&2; exit 1 ;;
esac
[ -z "$(ls)" ] || { echo "--version left files behind: $(ls)" >&2; exit 1; }
