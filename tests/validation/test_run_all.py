"""The table of docs/validation.md comes from the recordings and nowhere else.

Usage: test_run_all.py ROOT
"""

import runpy
import sys
import tempfile
import unittest
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(sys.argv.pop(1)).resolve()


class Table(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tool = runpy.run_path(str(ROOT / "validation/run_all"))
        # The functions look their names up in the namespace they were made in.
        self.names = self.tool["write_table"].__globals__
        self.names["RESULTS"] = Path(scratch.name)
        self.names["PAGE"] = Path(scratch.name) / "page.md"
        self.page(f"# Page\n{self.tool['START']}\n{self.tool['END']}\ncoda\n")

    def page(self, text=None):
        if text is not None:
            self.names["PAGE"].write_text(text)
        return self.names["PAGE"].read_text()

    def record(self, name, shift, complete=1):
        with h5py.File(self.names["RESULTS"] / f"{name}.h5", "w") as f:
            f.attrs["complete"] = complete
            f["analysis/shift"] = shift
            f["analysis/shift"].attrs.update(r=0.8125, rms=0.7361, units="deg", panels=1)

    def reference(self):
        tilt = next(item for item in self.tool["ITEMS"] if item.name == "tilt_illusion")
        return tilt.values[-1].reference()

    def test_what_stands_in_the_recording_stands_in_its_row(self):
        shift = self.reference().copy()
        self.record("tilt_illusion", shift)
        self.assertEqual(self.tool["write_table"](), [])
        (line,) = [line for line in self.page().splitlines() if line.startswith("| tilt illusion ")]
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        self.assertEqual(cells[2], f"at 10 deg: {shift[1]:.4g} deg; at 60 deg: {shift[6]:.4g} deg")
        self.assertIn("12 values within", cells[3])  # ten of the curve and the two shown
        self.assertEqual(cells[4:6], ["r 0.812", "0.736 deg"])
        self.assertTrue(self.page().startswith("# Page\n") and self.page().endswith("coda\n"))

    def test_a_value_off_its_reference_is_called_so(self):
        shift = self.reference().copy()
        shift[8] += 1e-3
        self.record("tilt_illusion", shift)
        self.assertEqual(self.tool["write_table"](), ["tilt_illusion"])
        self.assertIn("**differs** by 3.1e-04", self.page())  # 1e-3 of the largest, 3.256

    def test_one_value_agrees_with_its_number_whatever_their_shapes(self):
        value = type(self.tool["ITEMS"][0].values[0])
        item = type(self.tool["ITEMS"][0])("one", "", "", values=[
            value("r", lambda recording: np.array([[0.5]]), lambda: 0.5005, within=1e-3),
            value("R", lambda recording: np.array([0.5]), lambda: 0.6, within=1e-3)])
        _, expected, same = self.tool["compared"](item, None)
        self.assertEqual((expected, same), ("0.5005 (within 0.001); 0.6 (**not** within 0.001)", False))

    def test_rows_without_a_whole_recording_stay_as_they_stand(self):
        self.record("tilt_illusion", self.reference())
        self.tool["write_table"]()
        before = self.page()
        self.record("tilt_illusion", np.zeros(10), complete=0)
        self.assertEqual(self.tool["write_table"](), [])
        self.assertEqual(self.page(), before)
        (self.names["RESULTS"] / "tilt_illusion.h5").unlink()
        self.tool["write_table"]()
        self.assertEqual(self.page(), before)

    def test_deviations_leave_out_only_what_the_reference_leaves_undefined(self):
        deviation = self.tool["deviation"]
        self.assertEqual(deviation(np.array([1.0, 5.0]), np.array([2.0, np.nan])), 0.5)
        self.assertEqual(deviation(np.array([np.nan, 5.0]), np.array([2.0, 5.0])), np.inf)
        self.assertEqual(deviation(np.zeros(3), np.zeros(2)), np.inf)

    def test_every_experiment_and_every_reference_exists(self):
        items = self.tool["ITEMS"]
        self.assertEqual(len({item.name for item in items}), len(items))
        for item in items + self.tool["lesion_items"]():
            self.assertTrue((ROOT / "examples" / f"{item.experiment}.toml").exists(), item.experiment)
            for value in item.values:
                if value.reference:
                    self.assertGreater(np.size(value.reference()), 0)


class Waves(unittest.TestCase):
    """validation/waves.py on waves that are known."""

    def setUp(self):
        sys.path.insert(0, str(ROOT / "validation"))
        self.addCleanup(sys.path.remove, str(ROOT / "validation"))
        import waves
        self.waves = waves
        x = np.arange(30) * 0.1
        t = np.arange(800)[:, None, None] * 1e-3
        self.wave = np.cos(2 * np.pi * (20 * t - x / 6)) + np.zeros((1, 30, 1))  # 20 Hz, 6 long: 120 a second

    def test_a_plane_wave_has_its_gradient(self):
        z = np.exp(2j * np.pi * (0.3 * np.arange(12)[:, None] + 0.2 * np.arange(9)) * 0.5)[None]
        np.testing.assert_allclose(self.waves.gradient(z, 0.5), np.hypot(0.3, 0.2), rtol=1e-12)

    def test_a_plane_wave_has_its_speed_everywhere(self):
        _, speed, _ = self.waves.waves(100 + self.wave, np.zeros_like(self.wave), 1e-3, 0.1)
        # The filter has transients at the ends; between them the phase is that of the wave.
        self.assertAlmostEqual(np.median(speed[100:-100]), 120, delta=0.4)

    def test_noise_holds_no_waves_beyond_chance(self):
        noise = np.random.default_rng(1).normal(size=self.wave.shape)
        inside, _, _ = self.waves.waves(100 + noise, np.zeros_like(noise), 1e-3, 0.1)
        self.assertLess(inside.mean(), 0.015)


if __name__ == "__main__":
    unittest.main()
