#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the README's two commands on a bare Debian, as a newcomer would: a chroot with nothing but git and make.
# usage: fresh_machine.sh [--cache DIR] [--keep] SUITE [REPO]
#   SUITE        bookworm, trixie, ...
#   REPO         the repository whose HEAD is cloned; default: the one this script is in
#   --cache DIR  keep the bare system and the downloaded packages there, for the next run
#   --keep       leave the chroot in place and say where
# Needs root, debootstrap, and a Debian system whose own package source carries SUITE; elsewhere set
# LINFORMER_MIRROR to such a source. The chroot is made in $TMPDIR or /var/tmp; 4 GB are enough.
# shellcheck disable=SC2016  # single quotes keep text for the shell in the chroot, or for apt-get
set -euo pipefail

fail() {
  echo "fresh_machine: $*" >&2
  exit 2
}

# The rest of the work, in a mount namespace of its own: what is mounted here ends with this process.
if [[ ${1:-} == --inside ]]; then
  root=$2 packages=$3
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount --bind "$packages" "$root/var/cache/apt/archives"
  in_chroot() {
    chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
      http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" sh -euc "$1" </dev/null
  }
  step() {
    local name=$1 started=$SECONDS
    printf '\n=== %s: %s\n' "$name" "$2"
    if in_chroot "$2"; then
      summary+="passed  $((SECONDS - started)) s  $name"$'\n'
    else
      summary+="FAILED  $((SECONDS - started)) s  $name"$'\n'
      status=1
    fi
  }
  summary='' status=0
  in_chroot 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git make >/dev/null'
  step 'make demo' 'cd ~/linformer && make demo'
  step 'make test' 'cd ~/linformer && make test'
  step 'nothing to do' 'cd ~/linformer && make build && [ -z "$(git status --porcelain)" ]'
  step 'installed program, source tree gone' \
    'cd ~/linformer && make install >/dev/null && cd / && mv ~/linformer ~/gone && linformer --version && linformer info'
  printf '\n=== %s\n%s' "$(in_chroot '. /etc/os-release && echo "$PRETTY_NAME"')" "$summary"
  exit $status
fi

cache='' keep=no
while [[ ${1:-} == --* ]]; do
  case $1 in
    --cache) cache=${2:?"--cache needs a folder"} && shift 2 ;;
    --keep) keep=yes && shift ;;
    *) fail "unknown option '$1'; known are --cache DIR and --keep" ;;
  esac
done
suite=${1:-}
[[ -n $suite ]] || fail 'name a Debian release, as in: fresh_machine.sh bookworm'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "${2:-$here/..}" && pwd)
[[ $(id -u) -eq 0 ]] || fail 'making a chroot needs root; run it with sudo'
for tool in debootstrap apt-get unshare git; do
  command -v $tool >/dev/null || fail "'$tool' is missing; on Debian: apt-get install debootstrap git"
done
git -C "$repository" rev-parse --verify -q HEAD >/dev/null || fail "$repository has no commit to clone"

# The package source is the one that this system uses.
mirror=${LINFORMER_MIRROR:-}
if [[ -z $mirror ]]; then
  apt-get update -qq
  mirror=$(apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian|main|//p' | head -n 1)
  [[ -n $mirror ]] || fail 'this system has no Debian package source; set LINFORMER_MIRROR to one'
fi

root=$(mktemp -d "${TMPDIR:-/var/tmp}/linformer-chroot-$suite.XXXXXX")
chmod 755 "$root"
work=${cache:-$root.cache}
mkdir -p "$work/$suite.packages/partial"
work=$(cd "$work" && pwd)
clean_up() {
  [[ -n $cache ]] || rm -rf --one-file-system "$work"
  if [[ $keep == yes ]]; then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
}
trap clean_up EXIT

if [[ -e $work/$suite.tar ]]; then
  tar -C "$root" -xpf "$work/$suite.tar"
else
  debootstrap --variant=minbase --cache-dir="$work/$suite.packages" "$suite" "$root" "$mirror" >"$work/$suite.log" 2>&1 || {
    tail -n 20 "$work/$suite.log" >&2
    fail "debootstrap failed; its log is above"
  }
  tar -C "$root" -cpf "$work/$suite.tar.partial" . && mv "$work/$suite.tar.partial" "$work/$suite.tar"
fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
# Proxies and the like that this system's package manager was given.
apt-config dump | grep -E '^Acquire::https?::' >"$root/etc/apt/apt.conf.d/50host" || true
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/throw-away"  # no fsync for a system that will be deleted
git clone --quiet --no-hardlinks "$repository" "$root/root/linformer"

unshare --mount bash "${BASH_SOURCE[0]}" --inside "$root" "$work/$suite.packages"
