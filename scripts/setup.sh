#!/usr/bin/env bash
# Installs what Striate builds, runs and tests with, through apt-get (Debian 12 and 13, Ubuntu 24.04); does nothing when all
# of it is there.
#
# usage: scripts/setup.sh [checks]      checks: also what the format and tidy checks need
set -euo pipefail

packages=(
  cmake ninja-build g++
  libsundials-dev libeigen3-dev libhdf5-dev libboost-test-dev libtomlplusplus-dev libcli11-dev libfmt-dev
  librandom123-dev libpng-dev
  python3 python3-numpy python3-scipy python3-matplotlib python3-h5py python3-xarray python3-h5netcdf python3-netcdf4
)
if [[ "${1:-}" == checks ]]; then
  packages+=(git clang-format-14 clang-tidy-14 libomp-14-dev)
elif [[ $# -gt 0 ]]; then
  echo "usage: scripts/setup.sh [checks]" >&2
  exit 2
fi

missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" == *" installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup: every package needed is installed"
  exit 0
fi

root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || { echo "setup: not root and no sudo; ask for: ${missing[*]}" >&2; exit 1; }
  root=(sudo)
fi
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null; }

echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "setup: apt-get could not install them (its messages are above)" >&2
  exit 1
fi
echo "setup: installed"
