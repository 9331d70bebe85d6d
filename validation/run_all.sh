#!/bin/sh
# Runs every contextual experiment and its lesions and rewrites docs/validation.txt with what they print:
# sh validation/run_all.sh [build/release/cli/striate]
set -eu
cd "$(dirname "$0")/.."
striate=${1:-build/release/cli/striate}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{
  for name in tilt_illusion direction_tilt direction_surround plaid_contrasts surround_gratings surround_plaids size_tuning depth hue \
              colour_pattern tilt_time_course; do
    echo "== $name"
    "$striate" run "examples/$name.toml" -o "$work/run.h5" --force | grep -v '^recorded in'
  done
  for regime in no_U no_T no_P no_Q no_divisive no_subtractive; do
    for name in tilt_illusion depth; do
      echo "== $name, $regime"
      "$striate" run "examples/$name.toml" -o "$work/run.h5" --force --set regime="$regime" | grep -v '^recorded in'
    done
  done
  for name in tilt_illusion depth; do
    echo "== $name, near surround as large as the far one"
    "$striate" run "examples/$name.toml" -o "$work/run.h5" --force --set settings.near=29 --set settings.far_hole=1 | grep -v '^recorded in'
  done
} > "$work/validation.txt"
mv "$work/validation.txt" docs/validation.txt
