#!/usr/bin/env bash
# Runs the checks of .clang-tidy over the rooms' sources, or over those that changed since a commit.
#
# usage: scripts/tidy.sh [COMMIT]
set -euo pipefail
cd "$(dirname "$0")/.."

# Without precompiled headers, so that a header that a file forgot to name is missed.
cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
cmake --build build/tidy --target striate_commit >/dev/null
rooms=(base io circuit models integrators sim cli)
if [[ $# -gt 0 ]]; then
  files=$(git diff --name-only --diff-filter=d "$1" -- "${rooms[@]/%/\/*.cpp}")
else
  files=$(git ls-files -- "${rooms[@]/%/\/*.cpp}")
fi
# The compile commands are GCC's; clang knows neither all its warnings nor its vector extensions' warnings.
printf '%s\n' $files | xargs -r -n 1 -P "$(nproc)" clang-tidy-14 -p build/tidy --quiet \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error 2>/dev/null
echo "tidy: $(wc -w <<<"$files") files are clean"
