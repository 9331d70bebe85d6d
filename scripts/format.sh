#!/usr/bin/env bash
# Holds every C++ file to .clang-format, with clang-format 14 (other versions lay out differently).
#
# usage: scripts/format.sh [apply]      without `apply`, names what differs and exits with 1
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run --Werror)
if [[ "${1:-}" == apply ]]; then mode=(-i); fi
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.hpp' |
  xargs -0 -n 8 -P "$(nproc)" clang-format-14 "${mode[@]}"
echo "format: every C++ file is laid out as .clang-format says"
