"""Mistakes at the command line: each gives one clear error and the documented exit code, and loses nothing.

Usage: test_command_line.py PATH_OF_STRIATE
"""

import fcntl
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

import h5py
import numpy
import xarray

from program import CIRCUIT, EXAMPLES, EXPERIMENT, STRIATE, Program

# Small enough for a test: the tilt illusion on 9 x 9 places.
TILT = [str(EXAMPLES / "tilt_illusion.toml"), "--set", "settings.feature=9", "--set", "settings.y=9", "--set", "settings.x=9"]

ANALYSIS = """
[[analysis]]
name = "v"
kind = "response"
variable = "v"
against = "t"
"""


class CommandLine(Program):
    # --- what is typed --------------------------------------------------------------------------------------------

    def test_a_misspelt_command_or_option_names_the_nearest(self):
        self.refused(["rum", "unit.toml"], "rum", "run")
        self.refused(["run", "unit.toml", "--treads", "1"], "--treads", "--threads")

    def test_help_of_every_command_starts_with_what_it_does_and_an_example(self):
        for command in ("run", "sweep", "prc", "continue", "lyapunov", "check", "list", "show", "info", "rerun", "plot",
                        "distances", "samples"):
            done = self.striate(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"  striate {command}", "\n".join(done.stdout.splitlines()[:3]))

    def test_a_closed_branch_is_told_of_once(self):
        self.write("isola.circuit", "circuit isola\ntime 1\nparameter p = 0 1\nx(0) = 0.5\ndx/dt = 0.25 - p^2 - (x - 1)^2 : 1\n")
        self.write("isola.toml", 'circuit = "isola.circuit"\n[continuation]\nparameter = "p"\nfrom = -2\nto = 2\n')
        done = self.striate("continue", "isola.toml", "-o", "isola.h5")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(done.stdout.count("the branch is closed"), 1, done.stdout)

    # --- spikes ---------------------------------------------------------------------------------------------------

    def test_distances_of_a_table_and_of_lists_in_python_are_the_published_ones(self):
        (self.folder / "spikes.csv").write_text("time,element\n10,0\n20,0\n30,0\n12,1\n24,1\n30,1\n")
        asked = ["distances", "spikes.csv", "--measure"]
        done = self.striate(*asked, "victor_purpura", "--cost", "1", "-o", "vp.h5")
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "vp.h5") as file:
            numpy.testing.assert_array_equal(file["analysis/victor_purpura"], [[0, 4], [4, 0]])
        self.refused([*asked, "van_rosum"], "van_rosum", "van_rossum")
        self.refused([*asked, "van_rossum", "--decay", "0"], "decay = 0")
        self.refused([*asked, "isi_distance", "--elements", "1", "1"], "--elements")
        self.refused([*asked, "victor_purpura"], "--cost is missing")
        self.refused([*asked, "van_rossum"], "--decay is missing")
        self.refused([*asked, "isi_distance", "--cost", "1"], "--cost", "victor_purpura")
        self.refused([*asked, "van_rossum", "--decay", "10 ms"], "--decay", "plain number")
        (self.folder / "one.csv").write_text("time,element\n10,0\n")
        self.refused(["distances", "one.csv", "--measure", "isi_distance"], "one.csv", "spikes of 1 elements")
        sys.path.insert(0, str(EXAMPLES.parent / "python"))
        import striate

        os.environ["STRIATE"] = STRIATE
        matrix = striate.spike_distances([[10, 20, 30], [12, 24, 30], []], "van_rossum", decay=10, from_=0, to=100)
        numpy.testing.assert_allclose(matrix[0] ** 2, [0, 0.484096925911, matrix[0, 2] ** 2], rtol=1e-11)
        self.assertEqual(matrix[2, 2], 0)
        with self.assertRaisesRegex(ValueError, "cost = -1"):
            striate.spike_distances([[1], [2]], "victor_purpura", cost=-1, to=3)
        with self.assertRaisesRegex(ValueError, "^striate: spikes: has no spikes.* Give the end with to=.$"):
            striate.spike_distances([[], []], "isi_distance")
        with self.assertRaisesRegex(ValueError, "^striate: from_=: 1 ms"):
            striate.spike_distances([[1], [2]], "isi_distance", from_="1 ms")

    # --- experiments ----------------------------------------------------------------------------------------------

    def test_data_that_is_missing_or_lacks_a_column_is_found_before_anything_runs(self):
        analysis = """
[conditions.I]
values = [0, 0.5]

[[analysis]]
name = "v"
kind = "response"
variable = "v"

[analysis.compare]
file = "data.csv"
x = "I"
y = "respones"
"""
        self.write("compared.toml", EXPERIMENT + analysis)
        self.refused(["run", "compared.toml", "-o", "out.h5"], "compared.toml:", "data.csv", "cannot be opened")
        self.write("data.csv", "I,response\n0,1\n0.5,2\n")
        self.refused(["run", "compared.toml", "-o", "out.h5"], "compared.toml:", "respones", "response")

    def test_a_misspelt_key_parameter_method_or_variable_names_the_nearest(self):
        for key, nearest in (("run.durations=5", "duration"), ("parameters.tau_v1=1 ms", "tau_v"),
                             ("run.method=rk5", "rk4"), ('run.record=["vv"]', "v"), ("regime=restin", "resting")):
            self.refused(["run", "unit.toml", "--set", key], "--set", key.split("=")[0], nearest)

    def test_values_out_of_range_or_of_the_wrong_unit_are_refused(self):
        for key in ("parameters.tau_v=-1 ms", "parameters.b=3", "run.duration=-5 ms", "run.tolerance=2", "run.step=0 ms"):
            self.refused(["run", "unit.toml", "--set", key], key.split("=")[0].split(".")[1])
        self.refused(["run", "unit.toml", "--set", "run.duration=50 mV"], "mV", "ms")
        self.refused(["run", "unit.toml", "--set", "parameters.tau_w=10 mV"], "mV", "ms")

    def test_an_experiment_that_is_missing_or_not_toml_is_refused(self):
        self.refused(["run", "none.toml"], "none.toml", "No such file")
        self.write("broken.toml", "title = \n")
        self.refused(["run", "broken.toml"], "broken.toml:1")

    # --- files ----------------------------------------------------------------------------------------------------

    def test_an_output_that_exists_or_cannot_be_written_is_refused(self):
        self.assertEqual(self.striate("run", "unit.toml", "-o", "out.h5").returncode, 0)
        self.refused(["run", "unit.toml", "-o", "out.h5"], "out.h5", "exists already")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", "out.h5"], "out.h5", "exists already")
        self.refused(["run", "unit.toml", "-o", "no/such/out.h5"], "no/such/out.h5", "cannot be written")

    def test_what_a_killed_run_was_to_write_over_is_told_of_and_kept(self):
        self.assertEqual(self.striate("run", "unit.toml", "-o", "out.h5").returncode, 0)
        earlier = (self.folder / "out.h5").read_bytes()
        process = subprocess.Popen([STRIATE, "run", "unit.toml", "-o", "out.h5", "--force", "-q", "--set", "run.duration=400 s"], cwd=self.folder)
        kept = self.folder / "out.h5.before"
        while not (kept.exists() and (self.folder / "out.h5").exists() and (self.folder / "out.h5").stat().st_size) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
        process.wait()
        self.assertEqual((self.folder / "out.h5.lock").read_bytes(), b"")  # what a kill leaves besides, which locks nothing
        (self.folder / "out.h5.lock").unlink()
        self.assertIn("out.h5.before", self.striate("info", "out.h5").stdout)
        self.refused(["run", "unit.toml", "-o", "out.h5"], "out.h5.before", "Move it back")
        forced = self.striate("run", "unit.toml", "-o", "out.h5", "--force")
        self.assertEqual(forced.returncode, 0)
        self.assertIn("out.h5.before", forced.stderr)
        self.assertEqual(kept.read_bytes(), earlier)
        kept.rename(self.folder / "out.h5")
        self.assertNotIn("before", self.striate("info", "out.h5").stdout)

    def test_a_truncated_or_foreign_file_is_refused(self):
        self.assertEqual(self.striate("run", "unit.toml", "-o", "out.h5").returncode, 0)
        self.write("text.h5", "not HDF5")
        (self.folder / "cut.h5").write_bytes((self.folder / "out.h5").read_bytes()[:2000])
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file["x"] = [1, 2]
        for command in ("info", "rerun", "plot"):
            for name in ("text.h5", "cut.h5", "none.h5"):
                self.refused([command, name], name)
        for command in ("info", "rerun", "plot"):
            self.refused([command, "foreign.h5"], "foreign.h5", "not a recording")
        self.refused(["plot", "out.h5", "-o", "picture.gif"], "picture.gif", ".svg")
        self.refused(["plot", "out.h5", "-o", "none/picture.svg"], "none/picture.svg", "folder")
        (self.folder / "taken.svg").mkdir()
        self.refused(["plot", "out.h5", "-o", "taken.svg"], "taken.svg", "cannot be written", "directory")
        with h5py.File(self.folder / "out.h5", "r+") as file:  # a state without its axes
            values = file["v"][()]
            del file["v"]
            file["v"] = values[:, None, None, None, None]
            file["v"].dims[0].label = "t"
        drawn = self.striate("plot", "out.h5", "-o", "damaged.svg")
        self.assertLessEqual(drawn.stderr.count("\n"), 1, drawn.stderr)

    def test_a_full_disk_ends_with_code_1_and_a_file_that_opens(self):
        done = self.on_a_full_disk(65536, "run", "unit.toml", "--set", "run.every=0.05 ms", "--set", "run.duration=500 ms", "-o", "out.h5")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("out.h5", done.stderr)
        with h5py.File(self.folder / "out.h5") as file:
            self.assertEqual(file.attrs["complete"], 0)

    def test_a_full_disk_leaves_what_stood_there(self):
        run = ["run", "unit.toml", "-q", "-o", "kept.h5"]
        self.assertEqual(self.striate(*run).returncode, 0)
        before = (self.folder / "kept.h5").read_bytes()
        for limit in (0, 500, 5000):
            done = self.on_a_full_disk(limit, *run, "--force")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("is back", done.stderr)
            self.assertEqual((self.folder / "kept.h5").read_bytes(), before)
            done = self.on_a_full_disk(limit, "run", "unit.toml", "-o", "new.h5")
            self.assertEqual(done.returncode, 1, done)
            self.assertFalse((self.folder / "new.h5").exists())

    def test_an_output_is_no_input(self):
        self.write("train.circuit", "circuit train\ntime ms\nV(0) = 0\ndV/dt = (1.5 - V)/(10 ms) : 1\nevent spike when V > 1: V = 0\n")
        self.write("train.toml", 'circuit = "train.circuit"\n[run]\nmethod = "dp54"\nduration = "60 ms"\n')
        self.assertEqual(self.striate("run", "train.toml", "-q", "-o", "train.h5").returncode, 0)
        self.refused(["distances", "train.h5", "--measure", "isi_distance", "-o", "train.h5", "--force"], "train.h5", "read from this file")
        self.refused(["run", "train.toml", "-o", "train.toml", "--force"], "train.toml")
        self.write("compared.toml", (self.folder / "train.toml").read_text().replace('circuit = ', 'parameters_from = "train.h5"\ncircuit = '))
        self.refused(["run", "compared.toml", "-o", "train.h5", "--force"], "train.h5")

    def test_what_another_process_writes_is_refused(self):
        self.write("cycle.toml", 'circuit = "wilson_cowan"\nregime = "G1"\n[prc]\ntransient = "5000 s"\norigin = "E"\n')
        self.assertEqual(self.striate("run", "unit.toml", "-q", "-o", "out.h5").returncode, 0)
        (self.folder / "link.h5").symlink_to("out.h5")
        over = ["--over", "parameters.I=0,1"]
        self.assertEqual(self.striate("sweep", "unit.toml", *over, "-q", "-o", "swept.h5").returncode, 0)
        self.assertEqual({p.name for p in self.folder.iterdir() if p.suffix == ".lock"}, set())
        for name in ("out.h5", "swept.h5", "new.h5"):
            with open(self.folder / (name + ".lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for command in (["run", "unit.toml", "--force"], ["sweep", "unit.toml", *over, "--force"],
                                ["sweep", "unit.toml", *over, "--resume"], ["prc", "cycle.toml", "--force"]):
                    self.refused([*command, "-o", name], name, "another process writes it")
                self.refused(["run", "unit.toml", "--force", "-o", "link.h5" if name == "out.h5" else name], "another process writes it")
        self.assertEqual(self.striate("run", "unit.toml", "-q", "--force", "-o", "out.h5").returncode, 0)
        self.assertFalse((self.folder / "out.h5.lock").exists())

    def test_a_link_stays_a_link(self):
        (self.folder / "store").mkdir(exist_ok=True)
        self.assertEqual(self.striate("run", "unit.toml", "-q", "-o", "store/real.h5").returncode, 0)
        (self.folder / "link.h5").symlink_to("store/real.h5")
        self.assertEqual(self.striate("run", "unit.toml", "-q", "-o", "link.h5", "--force", "--set", "run.every=5 ms").returncode, 0)
        self.assertTrue((self.folder / "link.h5").is_symlink())
        with h5py.File(self.folder / "store/real.h5") as file:
            self.assertEqual(file["t"].size, 11)
        over = ["--over", "parameters.I=0,1"]
        self.assertEqual(self.striate("sweep", "unit.toml", *over, "-q", "-o", "link.h5", "--force").returncode, 0)
        self.assertTrue((self.folder / "link.h5").is_symlink())
        self.assertEqual([p.name for p in (self.folder / "store").iterdir()], ["real.h5"])

    def test_a_mistake_found_late_brings_the_earlier_file_back(self):
        run = ["run", "unit.toml", "-q", "-o", "kept.h5", "--force"]
        self.assertEqual(self.striate(*run).returncode, 0)
        self.write("late.toml", EXPERIMENT + ANALYSIS)
        self.refused(["run", "late.toml", "-o", "kept.h5", "--force", "--set", "title=\"a\\u0000b\""], "title", "zero byte")
        self.refused(["run", "late.toml", "-o", "kept.h5", "--force", "--set", "analysis[0].label=" + "x" * 70000], "kept.h5")
        long = " ".join(["--set run.seed=1"] * 6000).split()
        self.assertEqual(self.striate(*run, *long).returncode, 0)
        with h5py.File(self.folder / "kept.h5") as file:
            self.assertTrue(file.attrs["command"].endswith(" ..."))

    def test_the_recorded_command_is_one_for_a_shell(self):
        arguments = ["run", "unit.toml", "-q", "-o", "it's here.h5", "--set", "run.step=0.1 ms", "--set", "title=$HOME `x` \"y\""]
        self.assertEqual(self.striate(*arguments).returncode, 0)
        with h5py.File(self.folder / "it's here.h5") as file:
            self.assertEqual(shlex.split(file.attrs["command"]), ["striate", *arguments])

    def test_a_stopped_run_is_read_up_to_where_it_was_recorded(self):
        # dV/dt = (1 + n)/(7 ms) from 0 to 1: spikes every 7 ms and every 3.5 ms.
        self.write("clock.circuit", "circuit clock\ntime ms\naxis n = 2\nV(0) = 0\ndV/dt = (1 + index(n))/(7 ms) : 1 [n]\nevent spike when V > 1: V = 0\n")
        self.write("clock.toml", 'circuit = "clock.circuit"\n[run]\nmethod = "dp54"\nduration = "20000 s"\nevery = "1 s"\n')
        process = subprocess.Popen([STRIATE, "run", "clock.toml", "-o", "clock.h5", "-q"], cwd=self.folder)
        until = 0
        while process.poll() is None and not until > 0:
            time.sleep(0.1)
            if (self.folder / "clock.h5").exists():
                told = self.striate("info", "clock.h5").stdout
                until = float(told.split("recorded until")[1].split()[0]) if "recorded until" in told else 0
        process.kill()
        process.wait()
        with h5py.File(self.folder / "clock.h5") as file:
            self.assertEqual(file.attrs["complete"], 0)
            until = file["run/recorded_until"][()]
            times = file["spikes/spike/times"][:file["spikes/spike/ids"].size]
            self.assertGreater(until, 0)
            self.assertAlmostEqual((times <= until).sum(), until // 7 + until // 3.5, delta=2)
            self.assertTrue(numpy.isfinite(file["V"][:int(until // 1000)]).all())
        # As if samples and spikes had been written beyond.
        with h5py.File(self.folder / "clock.h5", "r+") as file:
            file["run/recorded_until"][()] = 30
        cut = self.striate("distances", "clock.h5", "--measure", "isi_distance", "-o", "cut.h5")
        self.assertIn("clock.h5: the run was stopped before its end; its spikes are read up to 30 ms", cut.stderr)
        self.write("short.toml", 'circuit = "clock.circuit"\n[run]\nmethod = "dp54"\nduration = "30 ms"\n')
        self.assertEqual(self.striate("run", "short.toml", "-q", "-o", "short.h5").returncode, 0)
        self.assertEqual(self.striate("distances", "short.h5", "--measure", "isi_distance", "-o", "whole.h5").stderr, "")
        with h5py.File(self.folder / "cut.h5") as a, h5py.File(self.folder / "whole.h5") as b:
            numpy.testing.assert_allclose(a["analysis/isi_distance"][()], b["analysis/isi_distance"][()], rtol=1e-9)

    def test_a_run_is_made_again_from_any_folder(self):
        for name in ("here", "there"):
            (self.folder / name).mkdir()
        self.write("here/leaky.circuit", CIRCUIT)
        self.write("here/leaky.toml", 'circuit = "leaky.circuit"\n[run]\nmethod = "rk4"\nduration = "5 ms"\nstep = "0.1 ms"\n'
                                      '[conditions.I]\nvalues = [1, nan]\nlabels = ["one", "none"]\n')
        made = subprocess.run([STRIATE, "run", "leaky.toml", "-q", "-o", "leaky.h5"], cwd=self.folder / "here", capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made)
        again = subprocess.run([STRIATE, "rerun", "-q", "../here/leaky.h5"], cwd=self.folder / "there", capture_output=True, text=True)
        self.assertEqual((again.returncode, again.stdout), (0, "the same bits\n"), again)
        with h5py.File(self.folder / "here/leaky.h5", "r+") as file:
            file["V"][0, 3:5] = numpy.nan
            file.attrs["instruction_set"] = "v0"
        other = self.striate("rerun", "-q", "here/leaky.h5")
        self.assertEqual(other.returncode, 1)
        self.assertIn("/V differs in 2 of 202 values, 2 of which are not finite in one of the two", other.stderr)
        self.assertIn("instruction set v0", other.stderr)

    def test_a_sweep_has_one_axis_for_all_points(self):
        self.write("row.circuit", "circuit row\ntime ms\naxis x = 8\nparameter tau = 5 ms\ndu/dt = (sin(index(x)) - u)/tau : 1 [x]\n")
        self.write("row.toml", 'circuit = "row.circuit"\n[run]\nmethod = "rk4"\nduration = "20 ms"\nstep = "0.1 ms"\nevery = "1 ms"\n'
                               '[[analysis]]\nname = "power"\nkind = "space_time_spectrum"\nvariable = "u"\nspacing = "1 deg"\n')
        done = self.striate("sweep", "row.toml", "--over", "parameters.tau=4 ms,5 ms", "-q", "-o", "tau.h5")
        self.assertEqual(done.returncode, 0, done)
        self.refused(["sweep", "row.toml", "--over", "analysis[0].spacing=1 deg,2 deg", "-o", "s.h5"], "analysis[0].spacing", "axis", "power")
        self.write("lit.circuit", "circuit lit\ntime ms\naxis x = 1\naxis y = 1\ninput I[y,x] : 1\ndr/dt = I/(1 ms) : 1 [y,x]\n")
        self.write("lit.toml", 'circuit = "lit.circuit"\n[[stimulus.layer]]\nfeature = 0\nonset = "1 ms"\noffset = "50 ms"\ncontrast = 1\n'
                               '[encoder]\nkind = "contrast"\n[run]\nmethod = "euler"\nstep = "0.1 ms"\nduration = "3 ms"\n')
        for over, marks in (("run.step=0.1 ms,0.3 ms", [1, 50]), ("stimulus.layer[0].onset=1 ms,2 ms", None)):
            self.assertEqual(self.striate("sweep", "lit.toml", "--over", over, "-q", "--force", "-o", "lit.h5").returncode, 0)
            with h5py.File(self.folder / "lit.h5") as file:
                told = file["t"].attrs.get("stimulus_changes")
                self.assertEqual(None if told is None else list(told), marks)

    def test_every_command_heeds_ctrl_c(self):
        self.write("cycle.toml", 'circuit = "wilson_cowan"\nregime = "G1"\n[prc]\ntransient = "5000 s"\norigin = "E"\n')
        fast = ["--set", "run.step=0.01 ms", "--set", "run.every=0.01 ms", "--set", "run.duration=90000 ms", "--set", "run.record=[]"]
        for arguments in (["prc", "cycle.toml", "-o", "cycle.h5"], ["run", "unit.toml", "-o", "fast.h5", *fast]):
            process = subprocess.Popen([STRIATE, *arguments], cwd=self.folder, stderr=subprocess.PIPE, text=True)
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            self.assertIn("interrupted", process.communicate(timeout=20)[1], arguments)
            self.assertEqual(process.returncode, 130, arguments)
        self.assertFalse((self.folder / "cycle.h5").exists())

    def test_exponents_are_kept_where_those_of_other_conditions_fail(self):
        # x' = a x^2 - x from 1: beside x = 0 the exponent is -1; with a = 3 it blows up at log(3/2).
        self.write("grows.circuit", "circuit grows\ntime 1\nparameter a = 0 1\nx(0) = 1\ndx/dt = a*x^2 - x : 1\n")
        self.write("grows.toml", 'circuit = "grows.circuit"\n[conditions.a]\nvalues = [0, 3]\n[parameters]\na = "a"\n[lyapunov]\nduration = 2\nstep = 0.01\n')
        done = self.striate("lyapunov", "grows.toml", "-q", "-o", "grows.h5")
        self.assertEqual(done.returncode, 1)
        for words in ("grows.toml", "grows: a = 3", "t = 0.4", "blows up", "grows.h5"):
            self.assertIn(words, done.stderr)
        with h5py.File(self.folder / "grows.h5") as file:
            self.assertAlmostEqual(file["exponent"][0], -1, places=6)
            self.assertTrue(numpy.isnan(file["exponent"][1]) and numpy.isnan(file["course"][1]).all())

    def test_even_interactions_lock_nowhere(self):
        self.write("theta.circuit", "circuit theta\ntime 1\nth(0) = 0\ndth/dt = 1 - cos(th) + (1 + cos(th))*0.25 : 1\n")
        self.write("theta.toml", 'circuit = "theta.circuit"\n[prc]\ntransient = 50\nangles = ["th"]\n[prc.coupling]\nth = "0.1*(1 + cos(th))*(1 - cos(th_j))"\n')
        done = self.striate("prc", "theta.toml", "-o", "theta.h5")
        self.assertIn("H is even", done.stdout)
        self.assertNotIn("periods apart", done.stdout)

    def test_silent_elements_count(self):
        self.write("some.circuit", "circuit some\ntime ms\naxis n = 5\nV(0) = 0\ndV/dt = (3*where(index(n) < 2, 1, 0) - V)/(10 ms) : 1 [n]\n"
                                   "event spike when V > 1: V = 0\n")
        self.write("some.toml", 'circuit = "some.circuit"\n[run]\nmethod = "dp54"\nduration = "60 ms"\n')
        self.assertEqual(self.striate("run", "some.toml", "-q", "-o", "some.h5").returncode, 0)
        done = self.striate("distances", "some.h5", "--measure", "isi_distance", "-o", "all.h5")
        self.assertIn("5 x 5", done.stdout)
        self.refused(["distances", "some.h5", "--measure", "isi_distance", "--elements", "-1", "2"], "-1 to 2", "no range")
        self.refused(["distances", "some.h5", "--measure", "isi_distance", "--elements", "0", "9"], "0 to 9", "5 elements")

    def test_distances_of_a_file_are_over_the_run_as_those_of_its_analyses(self):
        self.write("pair.circuit", "circuit pair\ntime ms\naxis n = 2\nV(0) = 0\ndV/dt = (1 + index(n)/2)/(7 ms) : 1 [n]\n"
                                   "event spike when V > 1: V = 0\n")
        self.write("pair.toml", 'circuit = "pair.circuit"\n[run]\nmethod = "dp54"\nduration = "60 ms"\n[[analysis]]\n'
                                'name = "apart"\nkind = "isi_distance"\nevent = "spike"\neach = true\n')
        self.assertIn("analysis apart: of spike [1]", self.striate("check", "pair.toml").stdout)
        self.assertEqual(self.striate("run", "pair.toml", "-q", "-o", "pair.h5").returncode, 0)
        self.assertEqual(self.striate("distances", "pair.h5", "--measure", "isi_distance", "-o", "d.h5").returncode, 0)
        with h5py.File(self.folder / "pair.h5") as file, h5py.File(self.folder / "d.h5") as found:
            numpy.testing.assert_array_equal(found["analysis/isi_distance"][()].ravel(), file["analysis/apart"][()].ravel())
        self.write("still.circuit", "circuit still\ntime ms\naxis n = 2\ndV/dt = -V/(7 ms) : 1 [n]\nevent spike when V > 1: V = 0\n")
        self.write("still.toml", 'circuit = "still.circuit"\n[run]\nmethod = "dp54"\nduration = "60 ms"\n')
        self.assertEqual(self.striate("run", "still.toml", "-q", "-o", "still.h5").returncode, 0)
        self.assertEqual(self.striate("distances", "still.h5", "--measure", "isi_distance", "-o", "s.h5").returncode, 0)

    def test_spikes_of_other_programs_are_read_as_they_say_or_refused(self):
        times, ids = numpy.array([0.5, 1, 2, 3]), numpy.array([0, 1, 0, 1], "u8")

        def file_of(name, ids=ids, sweep=False, group="spikes/p", units=None, **storage):
            with h5py.File(self.folder / name, "w") as file:
                spikes = file.create_group(group)
                spikes.create_dataset("timestamps", data=times, **storage)
                spikes["node_ids"] = ids
                if units is not None:
                    spikes["timestamps"].attrs["units"] = units
                if sweep:
                    file.attrs["sweep"], file["status"] = "x", numpy.array([1, 0])

        # Of one spike moved by 0.5 s and another by 1 s, at 1 per second.
        for units in ("s", "seconds", ["s"]):
            file_of("other.h5", units=units)
            done = self.striate("distances", "other.h5", "--measure", "victor_purpura", "--cost", "1 [1/s]", "--force", "-q", "-o", "d.h5")
            self.assertEqual(done.returncode, 0, done)
            with h5py.File(self.folder / "d.h5") as file:
                self.assertAlmostEqual(file["analysis/victor_purpura"][()].ravel()[1], 1.5)
        measure = ["--measure", "isi_distance", "-o", "e.h5"]
        for units, word in ((3, "units"), ("furlong", "furlong")):
            file_of("other.h5", units=units)
            self.refused(["distances", "other.h5", *measure], "other.h5", "/spikes/p/timestamps", word)
        self.write("relay.circuit", "circuit relay\ntime ms\naxis n = 2\ntrain s [n]\ndx/dt = -x/(5 ms) : 1 [n]\nprojection p from s to n : one_to_one: x += 1\n")
        self.write("relay.toml", 'circuit = "relay.circuit"\n[run]\nmethod = "dp54"\nduration = "4 s"\n[trains.s]\nfile = "other.h5"\n')
        self.refused(["check", "relay.toml"], "other.h5", "furlong")
        with h5py.File(self.folder / "other.h5", "r+") as file:
            file["spikes/p/timestamps"][0] = -1
        checked = self.striate("check", "relay.toml", "--set", 'trains.s.unit="s"')
        self.assertEqual(checked.returncode, 0, checked)
        self.assertIn("1 of 4 spikes come before time 0", checked.stdout)
        for huge in (2**63 + 5, 2**32):
            file_of("other.h5", ids=numpy.array([0, 1, 0, huge], "u8"))
            self.refused(["distances", "other.h5", *measure], "other.h5", "spike 3", "4294967295")
        file_of("other.h5", compression="lzf")
        self.refused(["distances", "other.h5", *measure], "other.h5", "lzf")
        with h5py.File(self.folder / "other.h5", "w") as file:
            for name in ("timestamps", "node_ids"):
                file.create_dataset("spikes/p/" + name, (2**32, 2**32), "u8", chunks=(1, 10))
        self.refused(["distances", "other.h5", *measure], "other.h5", "4294967296 x 4294967296", "memory")
        file_of("other.h5", sweep=True, group="spikes/p/0")
        for population in ("p/0", "/spikes/p/0", "spikes//p/0/"):
            self.assertEqual(self.striate("distances", "other.h5", *measure, "--force", "--population", population).returncode, 0)
        self.refused(["distances", "other.h5", "--measure", "isi_distance", "--population", "/spikes/p"], "p/0")
        file_of("other.h5", sweep=True, group="spikes/p/7")
        self.refused(["distances", "other.h5", "--measure", "isi_distance", "--population", "p/7"], "point 7", "has 2")
        file_of("other.h5", sweep=True)
        self.assertEqual(self.striate("distances", "other.h5", *measure, "--force").returncode, 0)

    def test_a_matrix_of_another_shape_is_refused(self):
        self.write("mat.circuit", "circuit mat\ntime ms\naxis a = 2\naxis b = 3\nparameter W[a,b] = 1 1\ndx/dt = (W - x)/(5 ms) : 1 [a,b]\n")
        self.write("mat.toml", 'circuit = "mat.circuit"\n[run]\nmethod = "dp54"\nduration = "200 ms"\n[parameters]\nW = { file = "mat.h5", column = "/W" }\n')
        W = numpy.arange(6.0)
        for shape in ((2, 3), (6,), (1, 2, 3)):
            with h5py.File(self.folder / "mat.h5", "w") as file:
                file["W"] = W.reshape(shape)
            self.assertEqual(self.striate("run", "mat.toml", "-q", "--force", "-o", "out.h5").returncode, 0)
            with h5py.File(self.folder / "out.h5") as file:
                numpy.testing.assert_allclose(file["x"][-1], W.reshape(2, 3), atol=1e-6)
        with h5py.File(self.folder / "mat.h5", "w") as file:
            file["W"] = W.reshape(3, 2)
        self.refused(["run", "mat.toml", "-o", "no.h5"], "mat.h5", "/W is 3 x 2, but 2 x 3")

    def test_data_beyond_a_curve_are_not_compared(self):
        # What lies a little before 0, as places read from a figure do, belongs to the curve's first point.
        self.write("data.csv", "t,v\n-0.01,0\n10,0\n20,0\n3000,0\n")
        self.write("beyond.toml", EXPERIMENT + ANALYSIS + '[analysis.compare]\nfile = "data.csv"\nx = "t"\ny = "v"\n')
        done = self.striate("run", "beyond.toml", "-o", "beyond.h5")
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "beyond.h5") as file:
            at = [abs(file["t"][()] - t).argmin() for t in (0, 10, 20)]
            self.assertAlmostEqual(file["analysis/v"].attrs["rms"], numpy.sqrt((file["v"][()][at]**2).mean()), places=6)

    def test_a_circuit_that_blows_up_ends_with_time_state_and_likely_cause(self):
        self.write("blow.circuit", 'circuit blow "grows without bound"\ntime ms\nparameter tau = 1 ms\nx(0) = 1\n'
                                   'dx/dt = x*x*x/tau : 1 "grows"\n')
        for method, step in (("rk4", '\nstep = "0.1 ms"'), ("bdf", ""), ("dp54", "")):
            self.write("blow.toml", f'circuit = "blow.circuit"\n[run]\nmethod = "{method}"\nduration = "50 ms"{step}\n')
            done = self.striate("run", "blow.toml", "-o", "blow.h5", "--force")
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr, r"t = [0-9.]+")
            self.assertRegex(done.stderr, "blows? up")
            self.assertRegex(done.stderr, r"\bx\b")
            with h5py.File(self.folder / "blow.h5") as file:
                self.assertEqual(file.attrs["complete"], 0)

    def long_run(self):
        """A run of some seconds in 20 conditions, of which the first are saved and the last are not."""
        self.write("long.toml", EXPERIMENT.replace("0.05 ms", "0.001 ms").replace("50 ms", "2000 ms") + """
[conditions.current]
from = 0
to = 1
count = 20

[parameters]
I = "current"
""")
        process = subprocess.Popen([STRIATE, "run", "long.toml", "-o", "long.h5", "--threads", "1"], cwd=self.folder,
                                   stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not self.whole_conditions("long.h5").any():
            time.sleep(0.05)
        return process

    def whole_conditions(self, name):
        """Which conditions a file that is being written holds whole; its copy may be torn, and then says nothing."""
        try:
            copy = shutil.copy(self.folder / name, self.folder / "copy.h5")
            with h5py.File(copy) as file:
                return ~numpy.isnan(file["v"][:]).any(axis=1)
        except (OSError, KeyError):
            return numpy.zeros(0, bool)

    def test_a_run_that_is_killed_or_interrupted_leaves_what_was_finished(self):
        for send, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.long_run()
            process.send_signal(send)
            _, errors = process.communicate()
            self.assertEqual(process.returncode, code, errors)
            with h5py.File(self.folder / "long.h5") as file:
                self.assertEqual(file.attrs["complete"], 0)
                whole = ~numpy.isnan(file["v"][:]).any(axis=1)
                self.assertTrue(whole.any() and not whole.all(), whole)
            self.assertIn("complete         0", self.striate("info", "long.h5").stdout)
            (self.folder / "long.h5").unlink()

    def test_a_killed_run_leaves_the_spikes_so_far(self):
        self.write("c.circuit", "circuit clock\ntime ms\naxis n = 1000\ndV/dt = 1/(1 ms) : 1 [n]\nevent e when V > 49.95: V = 0\n")
        self.write("c.toml", 'circuit = "c.circuit"\n[run]\nmethod = "euler"\nspikes = "grid"\nstep = "0.1 ms"\n'
                             'duration = "900 s"\nevery = "900 s"\n')
        process = subprocess.Popen([STRIATE, "run", "c.toml", "-o", "c.h5", "--threads", "1"], cwd=self.folder,
                                   stderr=subprocess.PIPE, text=True)
        times = ids = numpy.zeros(0)
        while process.poll() is None and not times.size:
            time.sleep(0.05)
            try:  # a copy may be torn
                with h5py.File(shutil.copy(self.folder / "c.h5", self.folder / "copy.h5")) as file:
                    times = file["spikes/e/times"][:]
            except (OSError, KeyError):
                pass
        process.kill()
        process.communicate()
        with h5py.File(self.folder / "c.h5") as file:
            self.assertEqual(file.attrs["complete"], 0)
            times, ids = file["spikes/e/times"][:], file["spikes/e/ids"][:]
        whole = min(times.size, ids.size)
        self.assertGreater(whole, 0)
        numpy.testing.assert_array_equal(ids[:whole], numpy.arange(whole) % 1000)  # all at once, every 50 ms
        numpy.testing.assert_allclose(times[:whole], 50 * (numpy.arange(whole) // 1000 + 1), rtol=1e-9)
        # and they can be read further
        done = self.striate("distances", "c.h5", "--measure", "isi_distance", "--elements", "0", "2", "-o", "d.h5")
        self.assertEqual(done.returncode, 0, done.stderr)

    # --- recordings -----------------------------------------------------------------------------------------------

    def test_a_recording_is_told_about_and_made_again_with_the_same_bits(self):
        self.assertEqual(self.striate("run", "unit.toml", "-o", "out.h5").returncode, 0)
        self.assertIn("fitzhugh_nagumo", self.striate("info", "out.h5").stdout)
        self.assertEqual(self.striate("rerun", "-q", "out.h5").stdout, "the same bits\n")
        self.assertIn("tau_w", self.striate("check", "unit.toml").stdout)
        self.assertIn("fitzhugh_nagumo", self.striate("list").stdout)
        self.assertIn("dw/dt", self.striate("show", "fitzhugh_nagumo").stdout)

    def test_values_that_the_text_draws_are_recorded(self):
        self.write("drawn.circuit", "circuit drawn\naxis unit = 3\naxis to = 2\nparameter W[unit, to] ~ uniform(0 mV, 1 mV) mV\nparameter c ~ 2*3 1\n"
                   "parameter k[unit] = 1 1\nx(0) = 1\ndx/dt = (c*sum(W, to)/(1 mV) - x*k)/(9 ms) : 1 [unit]\n")
        self.write("drawn.toml", 'circuit = "drawn.circuit"\n[run]\nmethod = "dp54"\nduration = "200 ms"\ntolerance = 1e-9\n')
        ran = self.striate("run", "drawn.toml", "-q")
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        with h5py.File(self.folder / "drawn.h5") as file:
            W = file["drawn/W"]
            self.assertEqual((sorted(file["drawn"]), W.attrs["units"], W.dims[1][0].name), (["W", "c"], "mV", "/to"))
            numpy.testing.assert_allclose(file["x"][-1], file["drawn/c"][()] * W[()].sum(1), rtol=1e-6)
        self.assertIn("/drawn/W                 3 x 2", self.striate("info", "drawn.h5").stdout)
        self.assertEqual(self.striate("rerun", "-q", "drawn.h5").stdout, "the same bits\n")
        with h5py.File(self.folder / "drawn.h5", "r+") as file:
            del file["drawn"]  # as earlier versions left it
        self.assertEqual(self.striate("rerun", "-q", "drawn.h5").stdout, "the same bits\n")
        for more, left in ((["--set", "parameters.W=1 mV"], ["c"]), (["--set", "settings.seed=1"], ["W", "c"])):
            self.assertEqual(self.striate("run", "drawn.toml", "-q", "--force", *more).returncode, 0)
            with h5py.File(self.folder / "drawn.h5") as file:
                self.assertEqual(sorted(file["drawn"]), left)

    def test_conditions_keep_the_order_of_the_file_in_a_second_run(self):
        self.write("e.toml", 'circuit = "isn"\n[conditions.z]\nvalues = [0, 1, 2]\n[conditions.a]\nvalues = [0, 1]\n'
                             '[parameters]\nh_E = "z*1 Hz"\nh_I = "a*1 Hz"\n')
        self.assertEqual(self.striate("run", "e.toml", "-o", "e.h5", "--set", "conditions.z.values=[3, 4, 5]").returncode, 0)
        with h5py.File(self.folder / "e.h5") as file:
            self.assertEqual(file["r_E"].shape, (3, 2))
        done = self.striate("rerun", "e.h5")
        self.assertEqual((done.returncode, done.stdout), (0, "the same bits\n"), done.stderr)

    def test_a_condition_that_nothing_names_repeats_what_is_random(self):
        self.write("c.circuit", 'circuit c\nnoise xi ito\ndx/dt = -x/(5 ms) + xi/sqrt(1 ms) : 1\n')
        self.write("e.toml", 'circuit = "c.circuit"\n[conditions.trial]\nfrom = 1\nto = 3\ncount = 3\n'
                             '[run]\nmethod = "sra1"\nstep = "0.1 ms"\nduration = "5 ms"\n')
        done = self.striate("run", "e.toml", "-o", "e.h5")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with h5py.File(self.folder / "e.h5") as file:
            self.assertEqual(len(set(file["x"][:, -1])), 3)

    def test_spikes_of_random_sources_are_kept_where_they_are_asked_for(self):
        self.write("c.circuit", """circuit driven
time ms
axis n = 3
dx/dt = -x/(5 ms) : 1 [n]
event e when x > 2: x = 0
poisson p[n] rate 1 [kHz]
projection s from p to n: one_to_one: x += 1
""")
        run = '[run]\nmethod = "dp54"\nduration = "50 ms"\n'
        for record, groups in (("", ["e"]), ('record = ["p"]\n', ["e", "p"])):
            self.write("c.toml", f'circuit = "c.circuit"\n{run}{record}')
            self.assertEqual(self.striate("run", "c.toml", "-o", "c.h5", "--force").returncode, 0)
            with h5py.File(self.folder / "c.h5") as file:
                self.assertEqual(sorted(file["spikes"]), groups)
                self.assertEqual("x" in file, record == "")
                counts = [file[f"spikes/{g}/times"].size for g in groups]
        self.assertTrue(0 < counts[0] < counts[1] < 300, counts)  # 150 arrivals, give or take ten standard deviations

    def test_rerun_leaves_nothing_and_tells_what_it_cannot_repeat(self):
        self.write("c.circuit", CIRCUIT)
        self.write("c.toml", 'circuit = "c.circuit"\n[run]\nmethod = "rk4"\nduration = "50 ms"\nstep = "0.05 ms"\n')
        self.assertEqual(self.striate("run", "c.toml", "-o", "c.h5").returncode, 0)
        self.write("c.circuit", CIRCUIT.replace("-70 mV", "-71 mV"))
        self.refused(["rerun", "c.h5"], "c.h5", "not the one of this recording")
        (self.folder / "c.circuit").unlink()
        self.refused(["rerun", "c.h5"], "c.circuit", "No such file")
        self.write("unit_own.h5.rerun.h5", "mine")
        self.assertEqual(self.striate("run", "unit.toml", "-o", "unit_own.h5").returncode, 0)
        self.assertEqual(self.striate("rerun", "unit_own.h5").stdout, "the same bits\n")
        self.assertEqual((self.folder / "unit_own.h5.rerun.h5").read_text(), "mine")
        long = ["--set", 'run.duration="2e5 ms"', "--set", 'run.every="2e4 ms"']
        self.assertEqual(self.striate("run", "unit.toml", "-o", "long.h5", *long).returncode, 0)
        before = sorted(p.name for p in self.folder.iterdir())
        process = subprocess.Popen([STRIATE, "rerun", "long.h5"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        while not (self.folder / "long.h5.rerun.h5").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertIn("nothing is left", process.communicate()[1])
        self.assertEqual(process.returncode, 130)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), before)
        with h5py.File(self.folder / "long.h5", "r+") as file:
            file.attrs["complete"] = 0
        self.refused(["rerun", "long.h5"], "long.h5", "broken off", "Run it again")

    def test_a_course_that_breaks_off_is_recorded_up_to_there(self):
        self.write("blow.circuit", 'circuit blow "grows"\ntime ms\nx(0) = 1\ndx/dt = x^2/(1 ms) : 1 "state"\n')
        self.write("blow.toml", 'circuit = "blow.circuit"\n[run]\nmethod = "dp54"\nduration = "5.2 ms"\nevery = "0.13 ms"\n')
        done = self.striate("run", "blow.toml", "-o", "blow.h5")
        self.assertEqual(done.returncode, 1, done)
        with h5py.File(self.folder / "blow.h5") as file:
            self.assertEqual(file.attrs["complete"], 0)
            # x = 1/(1 - t) up to t = 1; errors of 1e-6 a step grow as x^2 does.
            numpy.testing.assert_allclose(file["x"][:8], 1 / (1 - file["t"][:8]), rtol=1e-4)
            self.assertTrue(numpy.isnan(file["x"][8:]).all())

    def test_a_long_course_is_recorded_as_it_runs(self):
        self.write("long.toml", 'circuit = "fitzhugh_nagumo"\n[run]\nmethod = "dp54"\nduration = "1e7 ms"\nevery = "100 ms"\ntolerance = 1e-9\n')
        process = subprocess.Popen([STRIATE, "run", "long.toml", "-o", "long.h5", "-q"], cwd=self.folder)
        while not (self.folder / "long.h5").exists():
            time.sleep(0.01)
        time.sleep(2)  # it is written about every second
        process.kill()
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)
        with h5py.File(self.folder / "long.h5") as file:
            self.assertEqual(file.attrs["complete"], 0)
            recorded = numpy.isfinite(file["v"][:])
            self.assertGreater(recorded.sum(), 10)
            self.assertTrue((numpy.diff(recorded.astype(int)) <= 0).all())

    # --- sweeps ---------------------------------------------------------------------------------------------------

    def test_definitions_of_other_lengths_have_axes_of_their_own(self):
        self.write("c.circuit", 'circuit c\naxis x = 8 in [0, 8) mm\nx_0(0) = index(x)\ndx_0/dt = 0 : 1 [x]\n'
                                'wide := pad(x_0, x, 2, 1, border=reflect)\npart := slice(x_0, x, 2, 6)\nlist := array([1, 2, 3], k=3)\n')
        self.write("c.toml", 'circuit = "c.circuit"\n[run]\nmethod = "rk4"\nstep = "1 ms"\nduration = "2 ms"\nrecord = ["wide", "part", "list", "x_0"]\n')
        self.assertEqual(self.striate("run", "c.toml", "-o", "c.h5").returncode, 0)
        with xarray.open_dataset(self.folder / "c.h5", engine="h5netcdf") as recording:
            self.assertEqual([recording[n].dims[1] for n in ("wide", "part", "list", "x_0")], ["x_11", "x_4", "k", "x"])
            self.assertEqual(recording["wide"].values[0].tolist(), [2, 1, 0, 1, 2, 3, 4, 5, 6, 7, 6])
            self.assertEqual(recording["part"].values[0].tolist(), [2, 3, 4, 5])
            self.assertEqual(recording["x"].attrs["units"], "mm")

    def test_a_complex_state_is_recorded_along_a_labelled_axis_of_two(self):
        self.write("turn.circuit", """circuit turn
time ms
z(0) = 1
dz/dt = (i*2 - 0.1)*z/(1 ms) : complex 1 "phasor"
""")
        self.write("turn.toml", """circuit = "turn.circuit"
[run]
method = "rk4"
duration = "3 ms"
step = "0.01 ms"
every = "1 ms"
""")
        done = self.striate("run", "turn.toml", "-o", "turn.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        with xarray.open_dataset(self.folder / "turn.h5", engine="h5netcdf") as recording:
            z = recording["z"]
            self.assertEqual(z.dims, ("t", "re_im"))
            self.assertEqual(z.attrs["complex"], 1)
            self.assertEqual([str(part) for part in z["re_im"].values], ["re", "im"])
            expected = numpy.exp((2j - 0.1) * z["t"].values)
            # The fourth order at 0.01 ms: 2^5 h^4/120 a ms, 3e-9.
            numpy.testing.assert_allclose(z.sel(re_im="re") + 1j * z.sel(re_im="im"), expected, atol=1e-8)

    def test_a_sweep_opens_as_one_labelled_array_whose_points_are_the_runs(self):
        done = self.striate("sweep", "unit.toml", "--over", "parameters.I=0:1:3", "--over", "parameters.tau_w=5 ms,10 ms",
                            "-o", "sweep.h5", "--threads", "2")
        self.assertEqual(done.returncode, 0, done)
        self.striate("run", "unit.toml", "-o", "one.h5", "--set", "parameters.I=0.5", "--set", "parameters.tau_w=10 ms")
        with xarray.open_dataset(self.folder / "sweep.h5", engine="h5netcdf") as sweep:
            self.assertEqual(sweep.v.dims, ("parameters_I", "parameters_tau_w", "t"))
            self.assertTrue((sweep.status == 1).all())
            self.assertEqual(len(numpy.unique(sweep.seed)), 6)
            self.assertEqual(sweep.seed[0, 0], 0)  # the experiment's own
            with xarray.open_dataset(self.folder / "one.h5", engine="h5netcdf") as one:
                numpy.testing.assert_array_equal(sweep.v.sel(parameters_I=0.5, parameters_tau_w=10), one.v)

    def test_points_that_differ_in_the_run_alone_have_its_noise(self):
        self.write("noisy.circuit", "circuit noisy\ntime ms\nparameter s = 1 1/ms^0.5\nnoise xi ito\ndx/dt = -x/(10 ms) + s*xi : 1\n")
        self.write("noisy.toml", 'circuit = "noisy.circuit"\n[run]\nmethod = "euler_maruyama"\nduration = "5 ms"\nstep = "0.5 ms"\nseed = 3\n')
        done = self.striate("sweep", "noisy.toml", "--over", "run.seed=1,2", "--over", "parameters.s=1 [1/ms^0.5],2 [1/ms^0.5]", "-o", "seeds.h5")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.striate("sweep", "noisy.toml", "--over", "run.step=0.5 ms,0.25 ms", "-o", "steps.h5").returncode, 0)
        for name, setting in [("two", "run.seed=2"), ("half", "run.step=0.25 ms")]:
            self.assertEqual(self.striate("run", "noisy.toml", "-o", f"{name}.h5", "--set", setting).returncode, 0)
        with h5py.File(self.folder / "seeds.h5") as seeds, h5py.File(self.folder / "two.h5") as two:
            numpy.testing.assert_array_equal(seeds["x"][1, 0], two["x"])
            self.assertEqual(seeds["seed"][1, 0], 2)
            self.assertFalse((seeds["x"][1, 1] == 2 * seeds["x"][1, 0]).all())
        with h5py.File(self.folder / "steps.h5") as steps, h5py.File(self.folder / "half.h5") as half:
            numpy.testing.assert_array_equal(steps["x"][1], half["x"])

    def test_a_sweep_holds_the_analyses_and_scores_of_the_runs(self):
        done = self.striate("sweep", *TILT, "--over", "parameters.gamma=0.5,2", "--over", "encoder.width=0.2:0.8:3:log", "-o", "sweep.h5")
        self.assertEqual(done.returncode, 0, done)
        self.striate("run", *TILT, "-o", "one.h5", "--set", "parameters.gamma=2", "--set", "encoder.width=0.4")
        with h5py.File(self.folder / "sweep.h5") as sweep, h5py.File(self.folder / "one.h5") as one:
            shift = one["analysis/shift"]
            self.assertEqual(sweep["analysis/shift"].shape, (2, 3, 10))
            self.assertEqual([d[0].name for d in sweep["analysis/shift"].dims], ["/parameters_gamma", "/encoder_width", "/difference"])
            numpy.testing.assert_allclose(sweep["encoder_width"], [0.2, 0.4, 0.8], rtol=1e-15)
            numpy.testing.assert_array_equal(sweep["analysis/shift"][1, 1], shift)
            for score in ("r", "r2", "rms"):
                self.assertEqual(sweep[f"score/shift_{score}"][1, 1], shift.attrs[score])
            self.assertEqual(sweep["score/shift_rms"].attrs["units"], "deg")
            numpy.testing.assert_array_equal(sweep["data/shift/y"], one["data/shift/y"])
        with xarray.open_dataset(self.folder / "sweep.h5", engine="h5netcdf", group="score") as scores:
            self.assertEqual(scores.shift_r.dims, ("parameters_gamma", "encoder_width"))

    def test_a_sweep_sets_responses_beside_those_of_a_reference_condition(self):
        self.write("relative.toml", EXPERIMENT.replace("[run]", """[parameters]
I = "current"

[conditions.current]
values = [0, 0.25, 0.5]

[run]""") + """
[[analysis]]
name = "rise"
kind = "response"
variable = "w"
relative_to = { current = 0 }
""")
        self.assertEqual(self.striate("sweep", "relative.toml", "--over", "parameters.tau_w=10 ms,20 ms", "-o", "sweep.h5").returncode, 0)
        with h5py.File(self.folder / "sweep.h5") as sweep:
            last = sweep["w"][:, :, -1]
            self.assertGreater(numpy.ptp(last), 0.1)
            numpy.testing.assert_array_equal(sweep["analysis/rise"], last - last[:, :1])

    def test_an_analysis_over_time_keeps_its_axis_in_a_sweep(self):
        self.write("course.toml", EXPERIMENT + ANALYSIS)
        self.assertEqual(self.striate("sweep", "course.toml", "--over", "parameters.I=0,1", "-o", "sweep.h5").returncode, 0)
        with h5py.File(self.folder / "sweep.h5") as sweep:
            self.assertEqual([d[0].name for d in sweep["analysis/v"].dims], ["/parameters_I", "/t"])
            numpy.testing.assert_array_equal(sweep["analysis/v"], sweep["v"])

    def test_a_sweep_goes_over_any_key(self):
        self.write("any.toml", EXPERIMENT + ANALYSIS + '\n[[lesion]]\ntarget = "w"\nscale = 1\n')
        for over, size in (("run.method=rk4,heun,euler", 3), ("run.step=0.01 ms:0.04 ms:2", 2), ("regime=resting,oscillating", 2),
                           ("lesion[0].scale=0,0.5,1", 3), ("analysis[0].scale=1,2", 2), ("run.seed=1,2", 2), ("title=one,two", 2)):
            done = self.striate("sweep", "any.toml", "--over", over, "-o", "sweep.h5", "--force")
            self.assertEqual(done.returncode, 0, done)
            with h5py.File(self.folder / "sweep.h5") as sweep:
                self.assertEqual(sweep["status"][:].tolist(), [1] * size)
        done = self.striate("sweep", "any.toml", "--over", "run.method=bs32,dp54", "--over", "run.tolerance=1e-8,1e-3", "--over",
                            "run.step=0", "-o", "sweep.h5", "--force")
        self.assertEqual(done.returncode, 2, done)

    def test_a_sweep_over_what_is_unknown_or_changes_the_shape_is_refused(self):
        self.refused(["sweep", "unit.toml", "--over", "parameters.tau_v1=1 ms,2 ms"], "--over", "tau_v")
        self.refused(["sweep", "unit.toml", "--over", "paramters.tau_v=1 ms,2 ms"], "--over", "parameters")
        self.refused(["sweep", "unit.toml", "--over", "run.duration=10 ms,20 ms"], "one array")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0:1"], "FROM:TO:COUNT")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0:1:3:log"], "above 0")
        self.refused(["sweep", "unit.toml", "--over", "parameters.b=2,3"], "b", "[0, 1)")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,1", "--over", "parameters.I=2,3"], "twice")

    def test_a_value_that_no_point_accepts_is_refused_before_anything_runs(self):
        over = ["sweep", "unit.toml", "-o", "sweep.h5", "--over", "parameters.I=0,1", "--over"]
        self.refused([*over, "parameters.b=0.5,3"], "--over parameters.b", "[0, 1)")
        self.refused([*over, "parameters.b=0.5,0.6x"], "--over parameters.b", "0.6x")
        self.refused([*over, "run.method=rk4,heun,rk5"], "--over run.method", "rk5", "Closest: rk4")
        self.refused([*over, "run.method=rk4,dp54"], "--over run.method = dp54", "adapts its step")
        self.refused([*over, 'circuit=fitzhugh_nagumo,"fitzhug_nagumo"'], "--over circuit", "Closest: fitzhugh_nagumo")

    def test_values_that_are_refused_together_are_the_failure_of_their_points_alone(self):
        for offsets, status in (("-5 ms,20 ms", [[1, 1], [2, 1]]), ("20 ms,-5 ms", [[1, 1], [1, 2]])):
            done = self.striate("sweep", *TILT, "--over", "stimulus.layer[0].onset=-9 ms,0 ms", "--over", f"stimulus.layer[0].offset={offsets}",
                                "-o", "sweep.h5", "--force")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("1 of 4", done.stderr)
            self.assertIn("4 points: 3 done, 1 failed, 0 pending", self.striate("info", "sweep.h5").stdout)
            with h5py.File(self.folder / "sweep.h5") as file:
                self.assertEqual(file["status"][:].tolist(), status)
                self.assertIn("onset 0 ms", file[f"errors/{status[1].index(2) + 2}"][()].decode())
                self.assertEqual(numpy.isnan(file["O"]).all(axis=(2, 3, 4, 5)).tolist(), [[s == 2 for s in row] for row in status])

    def test_the_lesion_table_asks_for_runs_that_there_are(self):
        sys.path.insert(0, str(EXAMPLES.parent / "validation"))
        from items.lesions import LESIONS, MEASURES
        lesions = [(settings, [*MEASURES[0].settings], MEASURES[0].experiment) for _, settings, _ in LESIONS]
        for lesion, settings, experiment in [*lesions, *(([], m.settings, m.experiment) for m in MEASURES)]:
            given = [word for setting in (*lesion, *settings) for word in ("--set", setting)]
            with self.subTest(experiment=experiment, given=given):
                done = self.striate("check", EXAMPLES / f"{experiment}.toml", *given)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_sweep_tells_the_warnings_of_its_experiment_and_of_its_points(self):
        self.write("grow.circuit", "circuit grow\ntime ms\nparameter a = 1 1\nx(0) = 0\ndx/dt = a*x/(1 ms) : 1\n")
        self.write("grow.toml", 'circuit = "grow.circuit"\n[conditions.idle]\nvalues = [1]\n')
        done = self.striate("sweep", "grow.toml", "--over", "parameters.a=-1,1,2", "-o", "sweep.h5")
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "sweep.h5") as file:
            told = file.attrs["warnings"]
        for text in (done.stderr, told):
            self.assertIn("nothing depends on the condition 'idle'", text)
            self.assertIn("2 of 3 points have warnings", text)
            self.assertIn("parameters.a = 1: condition 0: the steady state found is unstable", text)
        self.assertEqual(self.striate("sweep", "grow.toml", "--over", "parameters.a=-1,1", "-o", "quiet.h5", "-q").stderr, "")

    def test_without_a_run_table_the_steady_state_is_that_of_an_empty_one(self):
        self.write("slow.circuit", "circuit slow\ntime ms\nx(0) = 1\ndx/dt = -x*x*x/(1 ms) - x/(1 ms) : 1\n")
        for name, text in (("absent", ""), ("empty", "[run]\n")):
            self.write(f"{name}.toml", 'circuit = "slow.circuit"\n' + text)
            self.assertEqual(self.striate("run", f"{name}.toml", "-o", f"{name}.h5").returncode, 0)
        with h5py.File(self.folder / "absent.h5") as absent, h5py.File(self.folder / "empty.h5") as empty:
            self.assertLessEqual(absent["run/residual"][()], 1e-10)
            self.assertEqual(absent["x"][()], empty["x"][()])

    def test_places_in_deg_are_those_of_the_axes(self):
        self.write("ramp.circuit", "circuit ramp\ntime ms\naxis y = 9 in [-2, 2] deg\naxis x = 9 in [-2, 2] deg\ninput I[y, x] : 1\n"
                                   "r(0) = 0\ndr/dt = (I + coordinate(x)/(1 deg) + 0*coordinate(y)/(1 deg) - r)/(1 ms) : 1 [y, x]\n")
        self.write("ramp.toml", 'circuit = "ramp.circuit"\n[stimulus]\n[[stimulus.layer]]\nshape = "square"\nsize = "1.5 deg"\nfeature = 0\n'
                                '[encoder]\nkind = "contrast"\n[[analysis]]\nname = "at"\nkind = "response"\nvariable = "r"\n'
                                'at = ["1 deg", "0 deg"]\n')
        done = self.striate("run", "ramp.toml", "-o", "ramp.h5")
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "ramp.h5") as file:
            self.assertAlmostEqual(float(file["analysis/at"][()]), 1, places=8)
            self.assertAlmostEqual(float(file["r"][()].sum()), 9, places=6)  # three elements of 0.5 deg a side

    def test_a_failed_point_stops_nothing(self):
        self.write("blow.circuit", 'circuit blow "grows or falls"\ntime ms\nparameter tau = 1 ms\nparameter a = 1 1\nx(0) = 1\n'
                                   'dx/dt = a*x*x*x/tau : 1 "state"\n')
        self.write("blow.toml", 'circuit = "blow.circuit"\n[run]\nmethod = "rk4"\nstep = "0.01 ms"\nduration = "5 ms"\n')
        done = self.striate("sweep", "blow.toml", "--over", "parameters.a=-1,1,-2", "-o", "sweep.h5")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("1 of 3", done.stderr)
        with h5py.File(self.folder / "sweep.h5") as file:
            self.assertEqual(file["status"][:].tolist(), [1, 2, 1])
            self.assertIn("x", file["errors/1"][()].decode())
            # dx/dt = a x^3 has x(t) = 1/sqrt(1 - 2 a t); rk4 at 0.01 ms is off by some 1e-9
            numpy.testing.assert_allclose(file["x"][[0, 2], -1], [11 ** -0.5, 21 ** -0.5], rtol=1e-6)

    def contents(self, name):
        """Every number and text of a file that does not tell when and how it was made."""
        found = {}
        with h5py.File(self.folder / name) as file:
            self.assertEqual(file.attrs["complete"], 1)
            file.visititems(lambda path, node: found.update({path: node[()].tobytes() if node.shape else node[()]})
                            if isinstance(node, h5py.Dataset) else None)
            found.update({name: str(value) for name, value in file.attrs.items() if name not in ("command", "created", "finished")})
        return found

    def disturbed(self, send, code):
        """Sweeps stopped at random times and resumed until they end; their files hold what one holds that was not."""
        self.write("data.csv", "t,v\n1,-1\n20,0\n45,1\n")
        self.write("compared.toml", EXPERIMENT + ANALYSIS + '[analysis.compare]\nfile = "data.csv"\nx = "t"\ny = "v"\n')
        arguments = ["sweep", "compared.toml", "--over", "parameters.I=0:1:40", "--over", "parameters.tau_v=1 ms,1e-6 ms", "--set", "run.step=0.005 ms",
                     "--threads", "2", "-q"]
        start = time.monotonic()
        self.assertEqual(self.striate(*arguments, "-o", "whole.h5").returncode, 1)  # half of the points blow up
        whole = time.monotonic() - start
        expected = self.contents("whole.h5")
        self.assertIn("score/v_rms", expected)
        self.assertIn("errors/79", expected)
        chance = random.Random(7)
        stopped = rounds = 0
        while rounds < 4 or (stopped < 3 and rounds < 20):  # on a busy machine a run may be over before its signal
            rounds += 1
            (self.folder / "stopped.h5").unlink(missing_ok=True)
            for _ in range(3):
                process = subprocess.Popen([STRIATE, *arguments, "-o", "stopped.h5", "--resume"], cwd=self.folder, stderr=subprocess.PIPE)
                time.sleep(chance.uniform(0.1, 0.9) * whole)
                process.send_signal(send)
                process.communicate()
                stopped += process.returncode == code
                if (self.folder / "stopped.h5").exists():
                    h5py.File(self.folder / "stopped.h5").close()
            self.assertEqual(self.striate(*arguments, "-o", "stopped.h5", "--resume").returncode, 1)
            self.assertEqual(self.contents("stopped.h5"), expected)
        self.assertGreater(stopped, 2)

    def test_a_killed_sweep_resumes_to_the_bits_of_an_undisturbed_one(self):
        self.disturbed(signal.SIGKILL, -signal.SIGKILL)

    def test_spikes_of_a_sweep_that_is_killed_do_not_count_before_their_point_is_done(self):
        self.write("regular.circuit", "circuit regular\ntime ms\naxis n = 50\nparameter I = 1 1/ms\ndV/dt = I : 1 [n]\n"
                   "event spike when V > 10.05: V = 0\n")
        self.write("regular.toml", 'circuit = "regular.circuit"\n[run]\nmethod = "euler"\nspikes = "grid"\nstep = "0.1 ms"\n'
                   'duration = "900 s"\nevery = "300 s"\n')
        arguments = ["sweep", "regular.toml", "--over", "parameters.I=1 1/ms,2 1/ms", "-q"]
        self.assertEqual(self.striate(*arguments, "--threads", "1", "-o", "whole.h5").returncode, 0)
        process = subprocess.Popen([STRIATE, *arguments, "--threads", "2", "-o", "killed.h5"], cwd=self.folder)
        under_way = 0
        while not under_way and process.poll() is None:
            time.sleep(0.05)
            if (self.folder / "killed.h5").exists():
                with h5py.File(self.folder / "killed.h5") as file:
                    under_way = file["spikes/spike/0/ids"].shape[0] if file["status"][0] == 0 and "spikes/spike/0" in file else 0
        process.kill()
        process.wait()
        self.assertGreater(under_way, 0)
        self.assertLess(under_way, 50 * 900000 // 10)
        self.refused(["distances", "killed.h5", "--measure", "isi_distance", "--population", "spike/0", "-o", "d.h5"], "spike/0", "--resume")
        self.assertEqual(self.striate(*arguments, "--threads", "2", "-o", "killed.h5", "--resume").returncode, 0)
        self.assertEqual(self.contents("killed.h5"), {**self.contents("whole.h5"), "threads": "2"})

    def test_an_interrupted_sweep_ends_with_130_and_resumes(self):
        self.disturbed(signal.SIGINT, 130)

    def test_a_sweep_resumes_only_its_own_file(self):
        self.assertEqual(self.striate("sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", "sweep.h5").returncode, 0)
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,2", "-o", "sweep.h5", "--resume"], "other values")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", "sweep.h5", "--resume", "--set", "run.every=2 ms"],
                     "another experiment")


if __name__ == "__main__":
    unittest.main()
