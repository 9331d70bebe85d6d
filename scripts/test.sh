#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The closing line counts test cases.
#
# usage: scripts/test.sh [PRESET]      release by default
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
scripts/setup.sh
scripts/build.sh "$preset"
results=$PWD/build/$preset/tests.xml
rm -f "$results"
echo "test: running; what each test printed goes to $results"
BOOST_TEST_REPORT_LEVEL=short BOOST_TEST_COLOR_OUTPUT=no ctest --preset "$preset" --parallel "$(nproc)" \
  --test-output-size-passed 1000000 --test-output-size-failed 1000000 --output-junit "$results" || true
/usr/bin/python3 scripts/count_tests.py "$results"
