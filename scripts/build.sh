#!/usr/bin/env bash
# Configures and builds with a preset; what is already built stays.
#
# usage: scripts/build.sh [PRESET [TARGET ...]]      release by default; the presets are dev, release, asan, tsan, fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
targets=("${@:2}")
mkdir -p "build/$preset"
log=build/$preset/configure.log
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
echo "build: ${targets[*]:-everything} in build/$preset"
cmake --build --preset "$preset" ${targets[@]:+--target "${targets[@]}"}
