#!/usr/bin/env bash
# From nothing to a picture: installs what is missing, builds, shows the contextual circuit the tilt illusion's stimuli
# and draws what it does beside the published curve.
#
# usage: scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
scripts/build.sh release striate
mkdir -p results
striate=build/release/cli/striate
$striate run examples/tilt_illusion.toml -o results/tilt_illusion.h5 --force
$striate plot results/tilt_illusion.h5 -o results/tilt_illusion.png
echo
echo "demo: the recording lies in $PWD/results/tilt_illusion.h5"
echo "demo: the picture   lies in $PWD/results/tilt_illusion.png"
