"""What is drawn follows from what a recording holds; numbers on the page are those of the file."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import h5py
import numpy as np

from matplotlib.axes import Axes

import striate
from striate import figures
from striate.recording import Axis as Scale, Published, Variable
from tests import made


def panels(figure):
    """All visible axes with lines, bars, images or meshes, colour bars left out."""
    return [ax for ax in figure.findobj(Axes)
            if ax.get_visible() and ax.get_label() != "<colorbar>"]


def texts(figure):
    return [t.get_text() for t in figure.findobj(lambda a: a.__class__.__name__ == "Text") if t.get_text()]


class Figures(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        path = Path(self.directory.name) / f"{name}.h5"
        made.ALL[name](path)
        return path

    def test_a_curve_is_drawn_beside_its_data_with_citation_and_score(self):
        figure = striate.plot(self.path("tilt"))
        (ax,) = panels(figure)
        model, data = [line for line in ax.lines if len(line.get_xdata()) == 10]
        np.testing.assert_array_equal(model.get_ydata(), made.SHIFT)
        np.testing.assert_array_equal(data.get_ydata(), made.MEASURED)
        self.assertEqual(data.get_linestyle(), "None")
        shown = " ".join(texts(figure))
        self.assertIn("O'Toole & Wenderoth (1977)", shown)
        self.assertIn("r = 0.815, rms = 0.63 deg", shown)
        self.assertEqual(" ".join(ax.get_ylabel().split()), "perceived shift, away from the surround (deg)")
        self.assertIn("Tilt illusion", shown)

    def test_spikes_are_drawn_as_raster_rate_intervals_and_correlations(self):
        raster, rate, isi, pairs, *_ = panels(striate.plot(self.path("spikes")))
        np.testing.assert_array_equal(np.sort(raster.lines[0].get_xdata()), np.sort(
            np.concatenate([np.arange(5, 100, 10.0), np.arange(7, 100, 10.0)])))
        self.assertEqual(set(raster.lines[0].get_ydata()), {0, 2})
        # 20 spikes of three elements in 0.1 s; the rate is in Hz, the abscissa in ms
        stairs = rate.patches[0].get_data()
        self.assertAlmostEqual(np.sum(stairs.values * np.diff(stairs.edges)) / 1000, 20 / 3)
        self.assertIn("mean CV 0.00", isi.get_title())
        # two trains of one spike in every tenth bin of 1 ms, never in the same: (0 - 0.1^2)/(0.1 - 0.1^2) = -1/9
        self.assertIn("mean -0.111", pairs.get_title())

    def test_each_condition_has_spikes_of_its_own_and_its_values_as_name(self):
        shown = panels(striate.plot(self.path("spikes")))
        self.assertEqual([ax.get_title() for ax in shown[::4]], ["spikes, drive 20 mV", "spikes, drive 10 mV"])
        self.assertEqual(list(shown[4].lines[0].get_xdata()), [50])
        self.assertEqual([ax.texts[0].get_text() for ax in shown[6:8]],
                         ["no intervals: nothing\nspiked twice", "pairs: too few spikes"])

    def test_spikes_of_one_element_are_a_row_for_each_condition(self):
        path = self.path("spikes")
        with h5py.File(path, "r+") as file:
            file["spikes/spike/0/ids"][:] = 0
            file["spikes/spike/1/ids"][:] = 0
        raster, *_ = panels(striate.plot(path))
        self.assertEqual([t.get_text() for t in raster.get_yticklabels()], ["drive 20 mV", "drive 10 mV"])
        self.assertEqual(set(raster.lines[0].get_ydata()), {0, 1})

    def test_what_a_run_did_before_it_was_stopped_is_not_correlated_by_what_it_did_not_reach(self):
        path = self.path("spikes")
        rng = np.random.default_rng(1)
        with h5py.File(path, "r+") as file:
            file.attrs["complete"] = 0
            del file["spikes"], file["run"], file["drive"]
            file["spikes/spike/times"] = np.sort(rng.uniform(0, 5, 600))  # of 100 ms
            file["spikes/spike/ids"] = rng.integers(0, 10, 600)
        raster, _, _, pairs = panels(striate.plot(path))
        self.assertLess(raster.get_xlim()[1], 5)
        self.assertLess(abs(float(pairs.get_title().split()[-1])), 0.1)

    def test_trains_of_an_event_that_never_came_are_empty(self):
        trains = striate.spike_trains(self.path("spikes"), "other")
        self.assertEqual([len(t) for t in trains], [0] * 4)
        with self.assertRaisesRegex(ValueError, "no condition 99"):
            striate.spike_trains(self.path("spikes"), condition=99)
        with self.assertRaisesRegex(ValueError, "no spikes"):
            striate.spike_trains(self.path("tilt"))

    def test_a_done_point_of_a_sweep_that_is_silent_has_empty_trains_and_a_row(self):
        path = Path(self.directory.name) / "silent.h5"
        with made.Maker(path) as m:
            m.file.attrs["sweep"] = ["parameters.I=1,2,3"]
            m.axis("parameters_I", [1.0, 2.0, 3.0], "pA", "parameters.I")
            m.axis("t", np.linspace(0, 100, 11), "ms", "time")
            m.add("V", np.zeros((3, 11)), ["parameters_I", "t"], units="mV")
            m.add("status", [1, 1, 2], ["parameters_I"])
            m.axis("spikes/spike/1/times", [5.0, 15.0], "ms", "times of spike")
            m.add("spikes/spike/1/ids", [0, 0], ["spikes/spike/1/times"], elements=1)
        self.assertEqual([len(t) for t in striate.spike_trains(path, "spike/0")], [0])
        self.assertEqual([len(t) for t in striate.spike_trains(path, "spike/1")], [2])
        with self.assertRaisesRegex(ValueError, "no spikes of 'spike/2'"):  # which failed
            striate.spike_trains(path, "spike/2")
        raster, *_ = panels(striate.plot(path))
        self.assertEqual([t.get_text() for t in raster.get_yticklabels()], ["I 1 pA", "I 2 pA"])
        self.assertEqual(set(raster.lines[0].get_ydata()), {1})

    def test_an_older_layout_of_sonata_is_named(self):
        path = Path(self.directory.name) / "older.h5"
        with h5py.File(path, "w") as file:
            file["spikes/gids"], file["spikes/timestamps"] = [0, 1], [1.0, 2.0]
        with self.assertRaisesRegex(ValueError, "older layout, /spikes/gids"):
            striate.spike_trains(path)

    def test_spikes_of_a_stopped_run_end_where_it_was_recorded(self):
        path = Path(self.directory.name) / "stopped.h5"
        shutil.copy(self.path("spikes"), path)
        whole = striate.spike_trains(path)
        with h5py.File(path, "r+") as file:
            file.attrs["complete"] = 0
            file.create_group("run") if "run" not in file else None
            file["run/recorded_until"] = np.array([30.0])
            file["run/recorded_until"].attrs["units"] = "ms"
        with self.assertWarnsRegex(UserWarning, "up to 30 ms"):
            cut = striate.spike_trains(path)
        self.assertEqual([len(t) for t in cut], [(t <= 30).sum() for t in whole])
        self.assertLess(sum(map(len, cut)), sum(map(len, whole)))
        with h5py.File(path, "r+") as file:
            del file["run/recorded_until"]
            file["run/recorded_until"] = np.array([30.0, 60.0])
            file["run/recorded_until"].dims[0].attach_scale(file["drive"])
        rasters = [ax for ax in panels(striate.plot(path)) if ax.get_title().startswith("spikes")]
        self.assertEqual([ax.get_xlim() for ax in rasters], [(0, 30), (0, 60)])

    def test_spikes_in_ms_of_a_circuit_in_seconds_are_drawn_and_end_where_it_was_stopped(self):
        path = Path(self.directory.name) / "sonata.h5"
        with made.Maker(path) as m:
            m.axis("t", np.linspace(0, 0.5, 11), "s", "time")
            m.add("run/recorded_until", 0.3, [], units="s")
            m.axis("spikes/cells/timestamps", [100.0, 200.0, 300.0, 400.0], "ms", "times of cells")
            m.add("spikes/cells/node_ids", [0, 1, 0, 1], ["spikes/cells/timestamps"])
        raster, rate, *_ = panels(striate.plot(path))
        self.assertEqual((raster.get_xlim(), raster.get_xlabel()), ((0, 500), "time (ms)"))
        self.assertEqual(np.sum(rate.patches[0].get_data().values > 0), 4)
        with h5py.File(path, "r+") as file:
            file.attrs["complete"] = 0
        with self.assertWarnsRegex(UserWarning, "up to 0.3 s"):
            self.assertEqual([list(t) for t in striate.spike_trains(path)], [[100, 300], [200]])
        raster, *_ = panels(striate.plot(path))
        self.assertEqual(raster.get_xlim(), (0, 300))
        with h5py.File(path, "r+") as file:
            file["run/recorded_until"].attrs["units"] = "1/Hz"
        with warnings.catch_warnings(), self.assertRaisesRegex(ValueError, "spikes are in 'ms' and times of the run in '1/Hz'"):
            warnings.simplefilter("ignore")
            striate.spike_trains(path)

    def test_times_without_a_unit_are_labelled_without_one(self):
        path = self.path("spikes")
        with h5py.File(path, "r+") as file:
            for name in ("t", "spikes/spike/0/times", "spikes/spike/1/times", "spikes/other/0/times", "spikes/other/1/times"):
                file[name].attrs["units"] = "1"
        raster, rate, isi, pairs, *_ = panels(striate.plot(path))
        self.assertEqual([ax.get_xlabel() for ax in (raster, rate, isi, pairs)],
                         ["time", "time", "interval", "correlation of counts in 1"])
        self.assertEqual(rate.get_ylabel(), "rate of one element")

    def test_maps_under_rasters_are_not_cut_off(self):
        path = Path(self.directory.name) / "sheets.h5"
        with made.Maker(path) as m:
            m.axis("drive", [1.0, 2.0, 3.0], "mV", "drive")
            m.axis("t", np.linspace(0, 100, 11), "ms", "time")
            m.axis("y", np.linspace(-2, 2, 5), "deg", "y")
            m.axis("x", np.linspace(-2, 2, 5), "deg", "x")
            m.add("V", np.random.default_rng(0).random((3, 11, 5, 5)), ["drive", "t", "y", "x"], units="mV", long_name="V")
            m.add("run/steps", [5, 5, 5], ["drive"])
            for event in ("spike", "src"):
                for n in range(3):
                    m.axis(f"spikes/{event}/{n}/times", np.arange(1, 100, 5.0), "ms", "times")
                    m.add(f"spikes/{event}/{n}/ids", np.arange(20), [f"spikes/{event}/{n}/times"], elements=25)
        figure = striate.plot(path)
        figure.draw_without_rendering()
        sheets = [ax for ax in panels(figure) if ax.get_title().startswith("drive")]
        self.assertEqual(len(sheets), 3)
        for ax in sheets:
            self.assertGreater(ax.xaxis.label.get_window_extent().y0, 0)
            self.assertGreaterEqual(ax.figure._suptitle.get_window_extent().y0, ax.title.get_window_extent().y1)

    def test_spikes_are_read_in_the_layouts_of_striate_and_sonata(self):
        with h5py.File(self.path("spikes")) as file, h5py.File(Path(self.directory.name) / "sonata.h5", "w") as sonata:
            first = file["spikes/spike/0"]
            sonata["spikes/cells/timestamps"] = first["times"][:]
            sonata["spikes/cells/node_ids"] = first["ids"][:].astype(np.uint64)
        ours = striate.spike_trains(self.path("spikes"))
        theirs = striate.spike_trains(Path(self.directory.name) / "sonata.h5", "cells")
        self.assertEqual([len(t) for t in ours], [10, 0, 10])
        for a, b in zip(ours, theirs):
            np.testing.assert_array_equal(a, b)

    def test_each_panel_shows_the_data_of_its_own_conditions(self):
        path = self.path("plaids")
        figure = striate.plot(path)
        shown = panels(figure)
        self.assertEqual(len(shown), 25)
        curves = striate.open(path, "analysis")["population"].values.reshape(25, 37)
        for ax, curve in zip(shown, curves):
            np.testing.assert_array_equal(ax.lines[0].get_ydata(), curve)
            self.assertAlmostEqual(ax.lines[0].get_xdata()[0], -45)  # x_values, not the axis's own 0 to 1
        points = lambda ax: [line for line in ax.lines if line.get_marker() == "o"]
        self.assertEqual(points(shown[0]), [])
        for ax, curve in zip(shown[1:], curves[1:]):
            (data,) = points(ax)
            # The points scatter by 0.04 around their own panel's curve; another panel's lies much further away.
            self.assertLess(np.abs(data.get_ydata() - curve[::3]).max(), 0.16)

    def test_a_condition_without_a_value_becomes_a_dotted_level(self):
        figure = striate.plot(self.path("surrounds"))
        ax = next(a for a in panels(figure) if a.get_ylabel() == "response (Hz)")
        curves = [line for line in ax.lines if len(line.get_xdata()) == 6]
        levels = [line for line in ax.lines if line.get_linestyle() == ":"]
        self.assertEqual((len(curves), len(levels)), (6, 6))
        self.assertAlmostEqual(levels[3].get_ydata()[0], 1.5)  # the fourth centre has weight 1
        self.assertIn("dotted: no surround", texts(figure))

    def test_coded_values_are_shown_by_their_meaning(self):
        shown = texts(striate.plot(self.path("codes")))
        self.assertIn("orange", shown)
        self.assertIn("light turquoise", shown)

    def test_a_model_in_arbitrary_units_is_drawn_times_its_factor_and_says_so(self):
        figure = striate.plot(self.path("codes"))
        second = next(ax for ax in panels(figure) if ax.get_title() == "light turquoise")
        model, data = [line for line in second.lines if len(line.get_xdata()) == 7]
        np.testing.assert_array_equal(model.get_ydata(), np.arange(1, 8.0))  # 0.5 of the 2 to 14 in the file
        np.testing.assert_array_equal(data.get_ydata(), np.arange(7.0))
        self.assertIn("model, times 0.5", texts(figure))

    def test_a_narrow_line_of_power_and_jumps_of_a_phase_are_seen(self):
        path = Path(self.directory.name) / "narrow.h5"
        power = np.full((5000, 8), 1e-6)
        power[2501, :] = 1
        with made.Maker(path) as m:
            m.axis("frequency", np.linspace(-50, 50, 5000), "Hz", "frequency")
            m.axis("wave_number", np.linspace(-1, 1, 8), "1/mm", "wave number")
            m.axis("t", np.arange(4.0), "ms", "time")
            m.add("analysis/power", power, ["frequency", "wave_number"], kind="power", y_label="power")
            m.add("analysis/turning", [2.0, 3.0, -3.0, -2.0], ["t"], kind="curve", x="t", units="rad", y_label="phase",
                  valid_range=[-np.pi, np.pi])
        levels, phase = panels(striate.plot(path))
        shown = levels.collections[0].get_array()
        self.assertLessEqual(shown.size, 300 * 8)
        self.assertEqual(shown.max(), 0)
        np.testing.assert_array_equal(phase.lines[0].get_ydata(), [2, 3, np.nan, -3, -2])

    def test_angles_of_a_cycle_begin_in_the_first_turn(self):
        path = self.path("phase_response")
        with h5py.File(path, "r+") as file:
            file["cycle/x"][:] = 101 * 2 * np.pi + 1 + np.linspace(0, 2 * np.pi, 33)
        cycle, *_ = panels(striate.plot(path))
        self.assertAlmostEqual(cycle.lines[0].get_ydata()[0], 1)

    def test_named_values_and_whole_numbers_are_ticked_as_such_and_long_times_apart(self):
        path = Path(self.directory.name) / "ticks.h5"
        with made.Maker(path) as m:
            m.axis("kind", [1.0, 2.0, 3.0], "1", "kind")
            m.file["kind"].attrs.update(flag_values=[1.0, 2.0, 3.0], flag_meanings="weak medium strong")
            m.axis("trial", [1.0, 2.0, 3.0], "1", "trial")
            m.axis("t", np.linspace(0, 4e5, 11), "ms", "time")
            m.add("analysis/a", [1.0, 2.0, 4.0], ["kind"], kind="curve", x="kind", y_label="rate", only="surround 40 deg")
            m.add("analysis/b", np.eye(3), ["kind", "trial"], kind="map", y_label="rate")
            m.add("analysis/c", np.arange(11.0), ["t"], kind="curve", x="t", y_label="rate")
            m.add("analysis/d", np.full(11, np.nan), ["t"], kind="curve", x="t", y_label="rate")
        figure = striate.plot(path)
        named, image, times, empty = panels(figure)
        names = ["weak", "medium", "strong"]
        self.assertEqual([t.get_text() for t in named.get_xticklabels()], names)
        self.assertEqual([t.get_text() for t in image.get_yticklabels()], names)
        self.assertTrue(all(x == round(x) for x in image.get_xticks()))
        self.assertLessEqual(len(times.get_xticks()), 6)
        self.assertEqual(empty.texts[0].get_text(), "not a number\neverywhere")
        self.assertIn("a, only surround 40 deg", texts(figure))

    def drawn(self, **made_of):
        """The figure and path of a small file: `axes` {name: values}, `analyses` {name: (values, axes, attributes)}."""
        path = Path(self.directory.name) / "drawn.h5"
        path.unlink(missing_ok=True)
        with made.Maker(path, made_of.get("title", ""), made_of.get("complete", 1)) as m:
            for name, values in made_of["axes"].items():
                m.axis(name, values, "ms" if name == "t" else "Hz", name)
            for name, (values, axes, attributes) in made_of["analyses"].items():
                m.add(f"analysis/{name}", values, axes, y_label="rate", **attributes)
        return striate.plot(path)

    def test_maps_lie_along_ascending_values_and_what_has_none_beyond_them(self):
        figure = self.drawn(axes={"a": [3.0, np.nan, 1.0], "b": [2.0, -1.0]},
                            analyses={"m": ([[32.0, 31], [2, 1], [12, 11]], ["a", "b"], dict(kind="map"))})
        (ax,) = panels(figure)
        (mesh,) = ax.collections
        np.testing.assert_array_equal(np.reshape(mesh.get_array(), (3, 2)), [[11, 12], [31, 32], [1, 2]])
        np.testing.assert_array_equal(mesh.get_coordinates()[:, 0, 1], [0, 2, 4, 6])
        np.testing.assert_array_equal(mesh.get_coordinates()[0, :, 0], [-2.5, 0.5, 3.5])
        self.assertEqual([(y, t.get_text()) for y, t in zip(ax.get_yticks(), ax.get_yticklabels())],
                         [(1, "1"), (3, "3"), (5, "none")])

    def test_panels_of_a_constant_field_have_one_colour(self):
        figure = self.drawn(axes={"c": [0.0, 1.0], "t": [0.0, 1.0, 2.0], "n": [0.0, 1.0]},
                            analyses={"m": (np.full((2, 3, 2), 5.0), ["c", "t", "n"], dict(kind="map"))})
        figures.save(figure, Path(self.directory.name) / "constant.png")
        first, second = (ax.collections[0] for ax in panels(figure))
        np.testing.assert_array_equal(first.to_rgba(5.0), second.to_rgba(5.0))
        self.assertEqual(first.get_clim(), second.get_clim())
        self.assertEqual(panels(figure)[0].get_xlim(), (0, 2))  # no time before the first and after the last

    def test_a_title_above_single_numbers_has_room(self):
        path = self.path("numbers")
        with h5py.File(path, "r+") as file:
            del file["analysis/shift"]
        figure = striate.plot(path)
        figure.draw_without_rendering()
        (listed,) = [t for t in figure.findobj(lambda a: a.__class__.__name__ == "Text") if t.get_text().startswith("rest")]
        self.assertGreaterEqual(figure._suptitle.get_window_extent().y0, listed.get_window_extent().y1)

    def test_lines_without_a_number_and_levels_of_nothing_shown_are_in_the_legend(self):
        shown = texts(self.drawn(axes={"k": [1.0, 2.0], "a": [0.0, 1.0]},
                                 analyses={"x": ([[1.0, 2], [np.nan, np.nan]], ["k", "a"], dict(kind="curve", x="a"))}))
        self.assertIn("2: not a number", shown)
        shown = texts(self.drawn(axes={"a": [0.0, 1.0, np.nan]},
                                 analyses={"x": ([1.0, 2, 3], ["a"], dict(kind="curve", x="a"))}))
        self.assertIn("dotted: no a", shown)

    def test_dollars_are_no_formula(self):
        figure = self.drawn(title="From $5 to $6", axes={"a": [0.0, 1.0]},
                            analyses={"x": ([1.0, 2], ["a"], dict(kind="curve", x="a"))})
        self.assertFalse(figure._suptitle.get_parse_math())

    def test_times_of_a_stopped_run_end_where_it_was_stopped(self):
        values = np.ones((11, 12))
        values[6:] = np.nan
        (ax,) = panels(self.drawn(complete=0, axes={"t": np.arange(11.0), "n": np.arange(12.0)},
                                  analyses={"m": (values, ["t", "n"], dict(kind="map"))}))
        self.assertEqual(ax.get_xlim(), (0, 5))

    def test_states_of_several_sizes_have_panels_of_their_own(self):
        path = self.path("phase_response")
        with h5py.File(path, "r+") as file:
            file["cycle/y"][:] *= 0.01
            file.attrs["time_unit"] = "1"
        x, _, _, y, _ = panels(striate.plot(path))
        self.assertEqual([[line.get_label() for line in ax.lines] for ax in (x, y)], [["x"], ["y"]])
        self.assertEqual(x.get_title(), "cycle of 20")
        with h5py.File(path, "r+") as file:
            for n in range(7):
                for group in ("cycle", "response"):
                    file[f"{group}/z{n}"] = 10.0 ** (2 * n + 2) * file["cycle/x"][:]
                    file[f"{group}/z{n}"].dims[0].attach_scale(file["axes/phase"])
        first, *_ = panels(striate.plot(path))
        self.assertEqual(first.get_title(), "cycle of 20, 6 of 9 panels")

    def test_states_of_several_units_have_panels_of_their_own(self):
        path = self.path("phase_response")
        with h5py.File(path, "r+") as file:
            file["cycle/x"].attrs["units"] = "mV"
            file["response/x"].attrs["units"] = "ms/mV"
        x, x_response, _, y, y_response = panels(striate.plot(path))
        self.assertEqual([x.get_ylabel(), x_response.get_ylabel(), y.get_ylabel()], ["state (mV)", "response (ms/mV)", "state"])
        self.assertEqual([line.get_label() for line in y.lines], ["y"])

    def test_trainings_at_fixed_points_show_how_these_were_found(self):
        path = self.path("training")
        with h5py.File(path, "r+") as file:
            for name in ("penalty", "spectral_radius"):
                file[f"curves/{name}"] = np.linspace(0.5, 1, 200)
                file[f"curves/{name}"].dims[0].attach_scale(file["update"])
        labels = [ax.get_ylabel() for ax in panels(striate.plot(path))]
        self.assertIn("spectral radius", labels)
        self.assertIn("penalty", labels)

    def test_angles_are_ticked_at_even_parts_of_the_circle(self):
        figure = striate.plot(self.path("codes"))
        ax = next(ax for ax in panels(figure) if ax.get_title() == "orange")
        low, high = ax.get_xlim()
        self.assertEqual([t for t in ax.get_xticks() if low <= t <= high], [-90, -45, 0, 45, 90])

    def test_changes_of_the_stimulus_are_marked_in_time(self):
        figure = striate.plot(self.path("codes"))
        ax = next(ax for ax in panels(figure) if ax.get_xlabel() == "time (ms)")
        marks = [line.get_xdata()[0] for line in ax.lines if line.get_label() == "stimulus changes" or
                 len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]]
        self.assertEqual(marks, [20, 60])
        self.assertIn("stimulus changes", texts(figure))

    def test_curves_of_a_sweep_are_named_by_its_key_beside_the_data(self):
        figure = striate.plot(self.path("sweep"))
        shown = texts(figure)
        for name in ("model, beta 0", "model, beta 1.5", "model, beta 3", "O'Toole & Wenderoth (1977), Fig. 4"):
            self.assertIn(name, shown)
        figure.draw_without_rendering()
        page = figure.bbox
        for text in figure.findobj(lambda a: a.__class__.__name__ == "Text" and a.get_text() in shown):
            box = text.get_window_extent()
            self.assertTrue(page.x0 <= box.x0 and page.y0 <= box.y0 and box.x1 <= page.x1 and box.y1 <= page.y1,
                            text.get_text())

    def test_a_sweep_without_analyses_shows_its_points_only_where_some_are_not_done(self):
        path = self.path("sweep")
        with h5py.File(path, "r+") as file:
            del file["analysis"], file["data"]
            for name, values in (("x", [1.0, 2, 4]), ("seed", [7, 8, 9]), ("status", [1, 1, 1])):
                file[name] = np.asarray(values)
                file[name].dims[0].attach_scale(file["parameters_beta"])
        self.assertEqual(len(panels(striate.plot(path))), 1)
        with h5py.File(path, "r+") as file:
            file["status"][1] = 2
        self.assertEqual(len(panels(striate.plot(path))), 2)

    def test_failed_points_of_a_sweep_are_told_and_their_codes_are_points(self):
        path = self.path("sweep")
        with h5py.File(path, "r+") as file:
            for name, values in (("seed", [7, 8, 9]), ("status", [1, 2, 1])):
                file[name] = values
                file[name].dims[0].attach_scale(file["parameters_beta"])
        self.assertIn("Sweep (1 of 3 points failed)", texts(striate.plot(path)))
        with h5py.File(path, "r+") as file:
            del file["analysis"], file["data"]
            file.attrs["complete"] = 0
        figure = striate.plot(path)
        self.assertIn("Sweep (incomplete: the run was stopped; 1 of 3 points failed)", " ".join(texts(figure)).replace("\n", " "))
        (status,) = panels(figure)
        self.assertEqual((status.lines[0].get_linestyle(), status.lines[0].get_marker()), ("None", "o"))
        self.assertTrue(all(y == round(y) for y in status.get_yticks()))
        with h5py.File(path, "r+") as file:
            del file["status"]
            file["status"] = [[1, 2], [2, 2], [0, 1]]
            file["gain"] = [1.0, 2.0]
            file["gain"].make_scale("gain")
            for d, axis in enumerate(("parameters_beta", "gain")):
                file["status"].dims[d].attach_scale(file[axis])
        figure = striate.plot(path)
        self.assertEqual(panels(figure)[0].collections[0].get_array().size, 6)
        (bar,) = [ax for ax in figure.findobj(Axes) if ax.get_label() == "<colorbar>"]
        self.assertTrue(all(y == round(y) for y in bar.get_yticks()))

    def test_waves_are_drawn_as_phases_arrows_spectra_and_decibels(self):
        figure = striate.plot(self.path("waves"))
        shown = panels(figure)
        collections = [c for ax in shown for c in ax.collections]
        arrows = next(c for c in collections if hasattr(c, "U"))
        np.testing.assert_allclose(arrows.U / arrows.V, 2)  # as (0.2, 0.1)
        np.testing.assert_allclose(arrows.get_array(), np.hypot(0.2, 0.1))
        phases = next(c for c in collections if c.get_cmap().name == "twilight")
        np.testing.assert_allclose(phases.get_clim(), [-np.pi, np.pi])
        (power,) = [ax for ax in shown if ax.get_yscale() == "log"]
        np.testing.assert_array_equal(power.lines[0].get_ydata(), 10.0 ** -np.arange(11.0))
        (levels,) = [c.get_array() for c in collections if c is not arrows and c is not phases]
        self.assertAlmostEqual(levels.max(), 0, places=6)
        self.assertAlmostEqual(levels.min(), -60)
        figure.draw_without_rendering()
        (image,) = [ax for ax in shown if phases in ax.collections]
        (bar,) = image.child_axes
        self.assertAlmostEqual(bar.get_window_extent().height, image.get_window_extent().height)

    def test_a_cycle_is_drawn_with_its_response_and_where_units_lock(self):
        figure = striate.plot(self.path("phase_response"))
        cycle, response, locking = panels(figure)
        self.assertEqual([line.get_label() for line in cycle.lines], ["x", "y"])
        self.assertIn("cycle of 20 ms", texts(figure))
        points = {line.get_xdata()[0]: line.get_markerfacecolor() for line in locking.lines
                  if line.get_marker() == "o" and len(line.get_xdata()) == 1}
        self.assertEqual(points, {0.0: "black", 0.5: "white"})

    def test_branches_are_dashed_where_unstable_and_special_points_have_names(self):
        figure = striate.plot(self.path("branches"))
        state, period = panels(figure)
        styles = {line.get_label(): line.get_linestyle() for line in state.lines}
        self.assertEqual(styles["stable fixed point"], "-")
        self.assertEqual(styles["unstable fixed point"], "--")
        self.assertEqual(styles["stable cycle"], "-")
        self.assertIn("Hopf", texts(figure))
        self.assertEqual(period.get_ylabel(), "period (ms)")

    def test_exponents_are_drawn_over_the_condition_and_as_they_settle(self):
        figure = striate.plot(self.path("lyapunov"))
        exponents, settling = panels(figure)
        self.assertEqual(list(exponents.lines[0].get_ydata()), [-1.0, -0.5, 0.9])
        self.assertEqual(exponents.get_ylabel(), "largest Lyapunov exponent (1/ms)")
        self.assertEqual(settling.get_xlabel(), "time followed (ms)")
        self.assertIn("rho 28", texts(figure))

    def test_exponents_of_named_conditions_stand_above_their_names(self):
        path = self.path("lyapunov")
        with h5py.File(path, "r+") as file:
            file["rho"].attrs.update(flag_values=[1.0, 10.0, 28.0], flag_meanings="rest decay chaos")
        exponents, _ = panels(striate.plot(path))
        self.assertEqual([t.get_text() for t in exponents.get_xticklabels()], ["rest", "decay", "chaos"])

    def test_what_is_left_out_of_branches_and_exponents_is_told(self):
        path = Path(self.directory.name) / "many.h5"
        with made.Maker(path) as m:
            m.file.attrs.update(kind="branches", parameter="p")
            m.axis("branches/0/point", np.arange(3))
            m.axis("unit", np.arange(9.0))
            for name in ("parameter", "unstable"):
                m.add(f"branches/0/{name}", np.arange(3.0), ["branches/0/point"], units="1")
            for end in ("low", "high"):
                m.add(f"branches/0/{end}/x", np.ones((3, 9)), ["branches/0/point", "unit"], units="1")
            m.file["branches/0"].attrs["cycles"] = 0
        self.assertIn("first 6 of 9 states", texts(striate.plot(path)))
        path.unlink()
        with made.Maker(path) as m:
            m.file.attrs.update(kind="lyapunov")
            m.axis("a", [0.0, 1.0], "1", "a")
            m.axis("k", np.arange(9.0), "1", "k")
            m.axis("followed", np.arange(1, 21.0), "ms", "time followed")
            for name in ("exponent", "standard_error"):
                m.add(name, np.ones((2, 9)), ["a", "k"], units="1/ms", long_name=name)
            m.add("course", np.ones((2, 9, 20)), ["a", "k", "followed"], units="1/ms")
        exponents, settling = panels(striate.plot(path))
        self.assertEqual((exponents.get_title(), settling.get_title()), ("first 6 of 9", "first 6 of 18"))

    def test_exponents_lie_along_ascending_conditions_and_what_failed_is_told(self):
        path = self.path("lyapunov")
        with h5py.File(path, "r+") as file:
            file["rho"][:] = [28.0, 1.0, 10.0]
            file["exponent"][:] = [0.9, -1.0, np.nan]
            file["course"][2] = np.nan
        exponents, settling = panels(striate.plot(path))
        np.testing.assert_array_equal(exponents.lines[0].get_xydata(), [[1, -1], [28, 0.9]])
        self.assertEqual(exponents.get_title(), "1 of 3 not a number")
        self.assertEqual([t.get_text() for t in settling.get_legend().get_texts()], ["rho 28", "rho 1", "rho 10: not a number"])

    def test_single_numbers_are_listed_with_units_and_scores_and_kept_codes_named(self):
        figure = striate.plot(self.path("numbers"))
        shown = texts(figure)
        self.assertIn("rest: 0.25\nspeed (speed of the wave): 62.5 mm/s; against data rms = 0.5 mm/s", shown)
        heading = next(t for t in shown if t.startswith("shift, only"))
        self.assertEqual(" ".join(heading.split()), "shift, only purple stripes, size 2 deg: r = 0.731, rms = 0.242")
        self.assertLess(max(map(len, heading.splitlines())), 52)

    def test_what_a_stopped_run_did_not_reach_is_called_so(self):
        path = self.path("plaids")
        with h5py.File(path, "r+") as file:
            file["analysis/population"][0] = np.nan
            file.attrs["complete"] = 0
        self.assertIn("not run", texts(striate.plot(path)))

    def test_models_beside_data_have_other_colours(self):
        variable = Variable("rate", np.array([[1.0, 2], [3, 4]]),
                            [Scale("drive", np.arange(2.0), "drive"), Scale("x", np.arange(2.0), "x")], {})
        data = Published("rate", "", np.arange(2.0), np.ones(2), {})
        figure = figures.draw_all([figures.Curves(variable, 1, [data])])
        (ax,) = panels(figure)
        colours = [line.get_color() for line in ax.lines if len(line.get_xdata()) == 2]
        self.assertEqual(colours.count(figures.DATA), 1)

    def test_a_file_of_distances_opens_with_its_matrix(self):
        matrix = striate.open(self.path("distances"))["analysis_isi_distance"]
        self.assertEqual(matrix.dims, ("element", "other"))
        self.assertEqual(float(matrix[0, 1]), 0.5)

    def test_courses_of_one_unit_share_a_picture(self):
        figure = striate.plot(self.path("pair"))
        rates, potential = panels(figure)
        self.assertEqual([len(ax.lines[0].get_xdata()) for ax in (rates, potential)], [101, 101])
        self.assertEqual([line.get_ydata()[-1] for line in rates.lines], [1, 2])
        self.assertEqual(rates.get_ylabel(), "r_E, r_I (Hz)")
        self.assertIn("rate of inhibition", texts(figure))

    def test_tables_bars_and_maps_are_told_apart_and_an_incomplete_run_is_called_so(self):
        figure = striate.plot(self.path("surrounds"))
        shown = texts(figure)
        self.assertIn("-0.07", shown)
        self.assertIn("–", shown)  # the score that does not exist
        self.assertTrue(any("incomplete" in t for t in shown))
        heights = [p.get_height() for ax in panels(figure) for p in ax.patches]
        self.assertEqual([round(h, 2) for h in heights], [0.82, -0.07, 0.58, 0.56])
        mesh = [c for ax in panels(figure) for c in ax.collections]
        self.assertEqual(mesh[0].get_array().size, 16 * 21)

    def test_without_an_analysis_the_variables_are_drawn(self):
        figure = striate.plot(self.path("traces"))
        shown = panels(figure)
        images = [a for a in shown if a.get_xlabel() == "azimuth (deg)"]
        self.assertEqual([a.yaxis_inverted() for a in images], [True] * 3)
        self.assertEqual(len(shown), 3 + 1 + 1)  # images for three currents, a map of 60 neurons, traces
        traces = next(a for a in shown if a.get_ylabel() == "membrane potential (mV)")
        self.assertEqual(len(traces.lines), 3)
        self.assertEqual(len(traces.lines[0].get_xdata()), 401)

    def test_open_gives_named_axes_units_and_the_run_s_attributes(self):
        data = striate.open(self.path("traces"))
        self.assertEqual(data["v"].dims, ("current", "t"))
        self.assertEqual(data["v"].attrs["units"], "mV")
        self.assertEqual(data.attrs["title"], "Traces")
        self.assertEqual(data["v"].sel(current=0.25, t=0).item(), -65)

    def test_a_group_comes_with_the_axes_and_attributes_of_the_root(self):
        analysis = striate.open(self.path("tilt"), "analysis")
        self.assertEqual(analysis["shift"].sel(difference=20).item(), 2.30)
        self.assertEqual(analysis["difference"].attrs["units"], "deg")
        self.assertEqual(analysis.attrs["title"], "Tilt illusion")

    def test_axes_of_analyses_and_of_cycles_have_their_names(self):
        samples = Path(self.directory.name) / "samples.h5"
        with made.Maker(samples) as m:
            m.axis("axes/y", np.arange(4.0))
            m.add("image", np.arange(4.0), ["axes/y"])
        self.assertEqual(striate.open(samples)["image"].dims, ("y",))
        waves = striate.open(self.path("waves"), "analysis")
        self.assertEqual(waves["vectors"].dims, ("y", "x", "component"))
        self.assertEqual(waves["power"].dims, ("power_frequency",))
        self.assertEqual(waves["ridge"].dims, ("ridge_frequency", "wave_number"))
        self.assertAlmostEqual(waves["power"].sel(power_frequency=5).item(), 0.1)
        self.assertEqual(waves.attrs["title"], "Waves")
        cycle = striate.open(self.path("phase_response"))
        self.assertEqual(cycle["cycle_x"].sel(phase=0.5).item(), -1)
        self.assertEqual(cycle["interaction_H"].dims, ("phase",))

    def test_axes_are_opened_beside_a_root_whose_axes_they_are(self):
        path = self.path("phase_response")
        with h5py.File(path, "r+") as file:
            file["axes/multiplier"] = np.arange(2.0)
            file["axes/multiplier"].make_scale("multiplier")
            file["multipliers"] = [1.0, 0.5]
            file["multipliers"].dims[0].attach_scale(file["axes/multiplier"])
        axes = striate.open(path, "axes")
        self.assertEqual(dict(axes.sizes), {"multiplier": 2, "phase": 33})
        self.assertEqual((axes["phase"][-1].item(), axes.attrs["title"]), (1, "Clock"))

    def test_branches_and_trainings_are_opened_whole(self):
        branches = striate.open(self.path("branches"))
        self.assertEqual(branches["branches_1_period"].dims, ("branches_1_point",))
        self.assertEqual(branches["special_parameter"].sel(kind="Hopf").item(), 0)
        self.assertEqual([branches.attrs[f"branches_{n}_cycles"] for n in range(2)], [0, 1])
        self.assertEqual(list(striate.open(self.path("phase_response")).attrs["interaction_locked"]), [0, 0.5])
        training = striate.open(self.path("training"))
        self.assertEqual(training["curves_held_out_loss"].sel(validated=100).item(), 0.5)
        self.assertEqual(training["parameters_W"].dims, ("to", "feature", "dy", "dx"))

    def test_opening_an_incomplete_recording_warns(self):
        with self.assertWarnsRegex(UserWarning, "stopped before its end"):
            striate.open(self.path("surrounds"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            striate.open(self.path("tilt"))

    def run_plot(self, *arguments):
        package = Path(__file__).resolve().parent.parent
        return subprocess.run([sys.executable, "-W", "error::RuntimeWarning", "-m", "striate.plot", *map(str, arguments)],
                              capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(package)})

    def test_the_command_writes_svg_with_text_as_text_and_png(self):
        path = self.path("tilt")
        for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
            output = path.with_suffix(f".{ending}")
            done = self.run_plot(path, "-o", output)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            content = output.read_bytes()
            self.assertEqual(content[: len(start)], start)
            if ending == "svg":
                self.assertIn(b"Wenderoth (1977), Fig. 4</text>", content)

    def test_a_training_shows_its_curves_kernels_and_what_it_does_on_examples(self):
        figure = striate.plot(self.path("training"))
        seen = texts(figure)
        self.assertIn("accuracy: 0.750 of the kept", seen)
        self.assertTrue(any(t.startswith("W [to, feature], the 24 strongest of 36") for t in seen), seen)
        self.assertIn("sample 12, label 1", seen)
        self.assertEqual([t for t in seen if t.startswith("step ")], ["step 1", "step 2", "step 3"] * 2)
        # three curves, 24 slices, and for two examples an image and three steps
        self.assertEqual(len(panels(figure)), 3 + 24 + 2 * 4)

    def samples(self, count, **variables):
        """Samples over /sample, as `striate samples` lays them out: name, (values, units)."""
        path = Path(self.directory.name) / "samples.h5"
        with made.Maker(path) as m:
            m.file.attrs["kind"] = "samples"
            m.axis("sample", np.arange(count))
            for name, (values, units) in variables.items():
                axes = ["sample"]
                for k, size in enumerate(values.shape[1:]):
                    axes.append(f"axes/{name}/axis{k + 1}")
                    m.axis(axes[-1], np.arange(size))
                m.add(name, values, axes, units=units)
        return path

    def test_samples_in_groups_are_drawn(self):
        values = np.arange(6.0).reshape(2, 3)
        shown = panels(striate.plot(self.samples(2, **{"train/I": (values, ""), "train/label": (np.array([0.0, 1.0]), "")})))
        self.assertEqual([ax.get_title() for ax in shown], ["0, train/label 0", "1, train/label 1"])
        np.testing.assert_array_equal(shown[1].lines[0].get_ydata(), values[1])

        path = self.path("training")
        with h5py.File(path, "r+") as file:
            file.move("examples/data/label", "examples/data/train/label")
            file.move("examples/data/image", "examples/data/train/image")
        seen = texts(striate.plot(path))
        self.assertIn("sample 12, train/label 1", seen)
        self.assertEqual(len(panels(striate.plot(path))), 3 + 24 + 2 * 4)

    def test_samples_of_different_units_have_panels_of_their_own(self):
        values = np.ones((3, 5))
        figure = striate.plot(self.samples(3, a=(values, "mV"), b=(1e3 * values, "pA"), c=(2 * values, "mV")))
        shown = panels(figure)
        self.assertEqual([[line.get_ydata()[0] for line in ax.lines] for ax in shown], [[1, 2]] * 3 + [[1000]] * 3)
        self.assertEqual([ax.get_ylabel() for ax in shown], ["a, c (mV)", "", "", "b (pA)", "", ""])

    def keys(self, figure):
        return [t.get_text() for ax in panels(figure) if ax.get_legend() for t in ax.get_legend().get_texts()]

    def test_few_elements_of_samples_have_colours_and_a_key(self):
        values = np.arange(24.0).reshape(2, 4, 3)
        figure = striate.plot(self.samples(2, S=(values, ""), w=(values[..., 0], "")))
        self.assertEqual(self.keys(figure), ["S, axis2 0", "S, axis2 1", "S, axis2 2", "w"])
        self.assertEqual(len({line.get_color() for line in panels(figure)[0].lines}), 4)
        figure = striate.plot(self.samples(2, S=(np.arange(80.0).reshape(2, 4, 10), ""), w=(values[..., 0], "")))
        self.assertEqual(self.keys(figure), ["S", "w"])

    def test_the_course_of_a_small_state_in_a_training_has_a_key_of_its_elements(self):
        path = self.path("training")
        with h5py.File(path, "r+") as file:
            del file["examples/courses/h"], file["examples/data"], file["curves"]
            file["examples/courses/h"] = np.arange(48.0).reshape(2, 4, 6)
            for d, axis in enumerate(("example", "examples/n", "feature")):
                file["examples/courses/h"].dims[d].attach_scale(file[axis])
        self.assertEqual(self.keys(striate.plot(path)), [f"feature {k}" for k in range(6)])

    def test_of_many_samples_the_first_are_drawn_and_that_is_said(self):
        figure = striate.plot(self.samples(2000, image=(np.zeros((2000, 6, 6)), "")))
        self.assertEqual(len([ax for ax in panels(figure) if ax.images]), 96)
        self.assertIn("the first 96 of 2000 samples", texts(figure))

    def test_mistakes_are_told_in_a_sentence(self):
        wrong = Path(self.directory.name) / "notes.txt"
        wrong.write_text("not a recording")
        missing = Path(self.directory.name) / "absent.h5"
        output = Path(self.directory.name) / "out.svg"
        for path, words in ((wrong, "not readable as HDF5"), (missing, "there is no such file")):
            done = self.run_plot(path, "-o", output)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)
            self.assertNotIn("Traceback", done.stderr)
        done = self.run_plot(self.path("tilt"), "-o", Path(self.directory.name) / "out.xyz")
        self.assertEqual(done.returncode, 2)
        self.assertIn("not supported", done.stderr)


if __name__ == "__main__":
    unittest.main()
