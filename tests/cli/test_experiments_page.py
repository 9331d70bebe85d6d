"""The experiments in docs/experiments.md run, and their numbers are those of their models.

Usage: test_experiments_page.py PATH_OF_STRIATE
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

STRIATE = os.path.abspath(sys.argv.pop(1))
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/experiments.md"
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


class ExperimentsPage(unittest.TestCase):
    def recording(self, n, run="run"):
        """What the page's n-th experiment comes to."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        for language, name, text in BLOCKS:
            if language != "toml":
                (folder / name).write_text(text)
        (folder / "e.toml").write_text([text for language, _, text in BLOCKS if language == "toml"][n])
        for command in (["check", "e.toml"], [run, "e.toml", "-o", "e.h5"]):
            done = subprocess.run([STRIATE, *command], cwd=folder, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(done.stderr, "")
        file = h5py.File(folder / "e.h5")
        self.addCleanup(file.close)
        return file

    def test_an_excitable_unit_fires_above_a_threshold_of_current(self):
        rate = self.recording(0)["analysis/rate"]
        self.assertEqual(rate.attrs["units"], "Hz")
        # At rest for a current of 0 and on its limit cycle, some 30 ms long at tau_w = 10 ms, for 0.6.
        self.assertEqual(rate[0], 0)
        self.assertTrue(20 < rate[3] < 40, rate[3])

    def test_a_patch_beyond_the_near_surround_is_suppressed(self):
        suppression = self.recording(1)["analysis/suppression"]
        self.assertEqual([d[0].name for d in suppression.dims], ["/size", "/contrast"])
        numpy.testing.assert_array_equal(suppression[1], 0)  # the reference itself

    def test_inhibition_follows_the_closed_form_and_the_data(self):
        file = self.recording(2)
        # r_I = 0.8 h_E - 0.4 h_I with h_E = 1.05 * 10 Hz: 0.4 Hz above the data, on a line with them.
        numpy.testing.assert_allclose(file["analysis/inhibition"], [8.4, 6.4, 4.4], atol=1e-8)
        self.assertAlmostEqual(file["analysis/inhibition"].attrs["rms"], 0.4, places=7)
        self.assertAlmostEqual(file["analysis/inhibition"].attrs["r"], 1, places=7)

    def test_oscillators_are_in_order_above_the_onset(self):
        file = self.recording(3)
        # sqrt(1 - 2/4) for infinitely many of a Lorentzian law; 200 quantiles of it are within 0.01.
        self.assertAlmostEqual(file["analysis/order"][1], 0.7071, delta=0.01)
        self.assertLess(file["analysis/order"][0], 0.2)
        power = file["analysis/power"]
        frequency = file[power.dims[1][0].name]
        self.assertEqual(frequency.attrs["units"], "Hz")
        self.assertEqual(frequency[numpy.argmax(power[1])], 10)  # 62.83 rad/s

    def test_gamma_has_its_tabulated_period_and_response(self):
        file = self.recording(4, "prc")
        self.assertAlmostEqual(file.attrs["period"], 15.85925, places=5)
        # Computed independently, in ms per unit of activity, at an eighth of the period.
        self.assertAlmostEqual(file["response/E"][32], -6.8784, places=3)
        self.assertAlmostEqual(file["interaction/odd"][0], 0, places=9)

    def test_chimeras_are_born_at_a_fold_and_breathe_from_a_hopf_point(self):
        special = self.recording(5, "continue")["special"]
        found = dict(zip(special["kind"].asstr(), special["parameter"]))
        # Zeros of the rates and the determinant or trace of their Jacobian (validation/reference/branches.py).
        self.assertAlmostEqual(found["fold"], 0.1783409, places=6)
        self.assertAlmostEqual(found["Hopf"], 0.2777755, places=6)

    def test_the_exponent_beside_a_cycle_is_that_of_its_slowest_direction(self):
        file = self.recording(6, "lyapunov")
        # |z| = sqrt(a) attracts at 2a; below the bifurcation the exponent is a, beyond it the phase is neutral.
        numpy.testing.assert_allclose(file["exponent"], [-0.1, 0], atol=1e-3)
        self.assertEqual(file["exponent"].attrs["units"], "1/ms")
        self.assertEqual(file["course"].shape, (2, 20))

    def test_every_experiment_of_the_page_is_tested(self):
        self.assertEqual(sum(language == "toml" for language, _, _ in BLOCKS), 7)


if __name__ == "__main__":
    unittest.main()
