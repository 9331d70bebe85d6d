"""Counts test cases in what ctest wrote, and prints `N passed, M failed`; exits with 1 unless all passed.

usage: count_tests.py JUNIT.xml

An entry of ctest counts as the Boost.Test cases or Python unittest tests that it reports, and as one test otherwise.
"""

import re
import sys
import xml.etree.ElementTree as ET

BOOST = re.compile(r"^\s*(\d+) test cases? out of \d+ (passed|failed|aborted|skipped)", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_BAD = re.compile(r"(?:failures|errors)=(\d+)")


def count(case):
    """(passed, failed) of one ctest entry; an entry that failed has at least one failed test."""
    output = case.findtext("system-out") or ""
    ok = case.get("status") == "run"
    boost = BOOST.findall(output)
    ran = UNITTEST.findall(output)
    if boost:
        passed = sum(int(n) for n, word in boost if word == "passed")
        failed = sum(int(n) for n, word in boost if word != "passed")
    elif ran:
        failed = sum(int(n) for n in UNITTEST_BAD.findall(output))
        passed = sum(int(n) for n in ran) - failed
    else:
        passed, failed = int(ok), int(not ok)
    return passed, failed if ok else max(failed, 1)


counts = [count(case) for case in ET.parse(sys.argv[1]).getroot().iter("testcase")]
total_passed = sum(passed for passed, _ in counts)
total_failed = sum(failed for _, failed in counts)
print(f"{total_passed} passed, {total_failed} failed")
sys.exit(0 if total_passed and not total_failed else 1)
