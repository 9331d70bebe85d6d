"""Every malformed experiment, circuit and option gives exit code 2 and one line that says where and what, and leaves no
file.

Usage: test_bad_input.py PATH_OF_STRIATE
"""

import os
import unittest
import unittest.mock

import h5py

from program import EXAMPLES, EXPERIMENT, Program

# The tilt illusion on 9 x 9 places, its data named from anywhere.
TILT = ((EXAMPLES / "tilt_illusion.toml").read_text().replace("../validation", str(EXAMPLES.parent / "validation"))
        .replace("feature = 25", "feature = 9").replace("y = 51", "y = 9").replace("x = 51", "x = 9"))

CIRCUIT = """circuit leaky "one leaky unit"
time ms
axis unit = 3
parameter tau = 10 ms in (0, inf) "time constant"
parameter E = -70 mV "rest"
V(0) = -60 mV
dV/dt = (E - V)/tau : mV [unit] "membrane potential"
"""


NETWORK = """circuit net "spiking units"
time ms
axis n = 4 in [0, 4) mm
parameter tau = 10 ms in (0, inf)
parameter d = 5 ms in [0, inf)
V(0) = -60 mV
dV/dt = (-70 mV - V)/tau : mV [n]

dg/dt = -g/(5 ms) : mV [n]
"""


VISUAL = """circuit v "a sheet of channels"
time ms
axis y = 9 in [-2, 2] deg
axis x = 9 in [-2, 2] deg
axis feature = 5 in [-90, 90] deg
input I[y, x, feature] : 1
r(0) = 0
dr/dt = (I - r)/(1 ms) : 1 [y, x, feature]
"""

SHOWN = """circuit = "v.circuit"
[stimulus]
[[stimulus.layer]]
shape = "square"
size = "2 deg"
feature = "0 deg"
[encoder]
kind = "gaussian"
range = ["-90 deg", "90 deg"]
width = 0.1
"""


class BadInput(Program):
    def refused_experiment(self, text, *words):
        (self.folder / "e.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        with self.subTest(words=words):
            self.refused(["run", "e.toml", "-o", "out.h5"], *words)

    def refused_run(self, line, *words, without=""):
        """The excitable unit with a line added to [run], or in place of another."""
        self.refused_experiment(EXPERIMENT.replace(without, line) if without else EXPERIMENT + line + "\n", *words)

    def refused_tilt(self, old, new, *words):
        self.assertIn(old, TILT)
        self.refused_experiment(TILT.replace(old, new, 1), *words)

    def refused_circuit(self, text, *words):
        (self.folder / "c.circuit").write_bytes(text if isinstance(text, bytes) else text.encode())
        with self.subTest(words=words):
            self.refused(["check", "c.circuit"], "c.circuit", *words)

    def test_files_that_are_not_what_they_should_be(self):
        self.refused_experiment("", "e.toml", "lacks `circuit`")
        self.refused_experiment(bytes(range(256)), "e.toml:", "UTF-8")
        self.refused_experiment(b'title = "\xe9"\n', "e.toml:1", "UTF-8")
        self.refused_experiment(b"title = \"a\0b\"\n", "e.toml:1")
        self.refused_experiment(EXPERIMENT + "step = 1\n", "e.toml:9", "redefine", "step")
        self.refused_experiment("a = " + "[" * 200 + "]" * 200 + "\n", "e.toml:1", "64 levels")
        (self.folder / "folder.circuit").mkdir()
        self.refused_experiment('circuit = "folder.circuit"\n', "e.toml:1", "directory")
        self.refused_experiment('circuit = "none.circuit"\n', "e.toml:1", "none.circuit", "No such file")
        self.refused_experiment('circuit = "contextal"\n', "e.toml:1", "contextual")
        self.refused(["run", "."], "directory")
        self.refused_experiment(EXPERIMENT.encode("utf-16"), "e.toml:1", "UTF-8")
        self.refused_experiment(EXPERIMENT.replace("[run]", "[[run]]"), "run", "table")
        self.refused_experiment(EXPERIMENT + "[run]\nseed = 1\n", "e.toml:9", "redefine")
        self.write("c.circuit", CIRCUIT)
        self.refused(["run", "c.circuit"], "c.circuit", "this is a circuit", 'circuit = "c.circuit"')
        self.refused(["train", "unit.toml"], "unit.toml", "lacks `data`")
        for name, content in (("short.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)), ("text.h5", b"no HDF5")):
            (self.folder / name).write_bytes(content)
            for command in (["info"], ["rerun"], ["plot"]):
                self.refused([*command, name], name, "HDF5")
            self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", name, "--resume"], name, "HDF5")
            self.refused(["run", "unit.toml", "-o", name], name, "exists already")

    def test_foreign_hdf5_files(self):
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file.attrs["complete"] = "yes"
        for arguments in (["info"], ["rerun"], ["plot"]):
            self.refused([*arguments, "foreign.h5"], "foreign.h5", "not a recording of Striate")
        self.refused(["sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", "foreign.h5", "--resume"], "not a recording of Striate")
        self.refused(["run", "unit.toml", "-o", "foreign.h5", "--force"], "not a recording of Striate", "not written over")
        self.refused_experiment('parameters_from = "foreign.h5"\n' + EXPERIMENT, "not a recording of Striate")
        self.write("c.circuit", CIRCUIT)
        self.refused(["check", "c.circuit", "--set", "tau=3"], "c.circuit", "--set")

    def test_recordings_that_others_have_changed(self):
        def changed(change):
            self.assertEqual(self.striate("run", "unit.toml", "-o", "r.h5", "--force", "-q").returncode, 0)
            with h5py.File(self.folder / "r.h5", "r+") as file:
                change(file)

        changed(lambda file: file.attrs.__setitem__("kind", 3))
        self.assertEqual(self.striate("rerun", "r.h5").stdout, "the same bits\n")
        changed(lambda file: file.__setitem__("loop", file["/"]))
        self.assertEqual(self.striate("info", "r.h5").returncode, 0)
        changed(lambda file: file.create_group("more"))
        self.assertIn("/more is missing in the second", self.striate("rerun", "r.h5").stderr)
        changed(lambda file: (file.__delitem__("circuit_text"), file.__setitem__("circuit_text", file["experiment_toml"][()])))
        self.assertIn("not the one of this recording", self.striate("rerun", "r.h5").stderr)
        changed(lambda file: file.__delitem__("t"))
        self.assertIn("/t is missing in the first", self.striate("rerun", "r.h5").stderr)
        drawn = self.striate("plot", "r.h5")
        self.assertEqual((drawn.returncode, drawn.stderr.strip().count("\n")), (1, 0), drawn)

    def test_keys_of_the_wrong_kind(self):
        self.refused_experiment(EXPERIMENT + "[runn]\na = 1\n", "e.toml:9", "runn", "Closest: run")
        self.refused_experiment('circuit = "isn"\nrun = 3\n', "run = 3", "table")
        self.refused_experiment('circuit = 3\n', "circuit = 3", "string")
        self.refused_run("seed = 1.5", "seed", "whole number")
        self.refused_run("seed = -1", "seed", "negative")
        self.refused_run("seed = 1e30", "seed", "9223372036854775807")
        self.refused_run('record = "v"', "record", "list")
        self.refused_run('record = ["v", "v"]', "'v'", "twice")
        self.refused_run('tolerance = "1e-6"', "tolerance", "number")
        self.refused_run("method = true", "method", "string", without='method = "rk4"')
        self.refused_run("duration = 50", "50 ms", without='duration = "50 ms"')
        self.refused_run('duration = "50 msec"', "msec", without='duration = "50 ms"')
        self.refused_run("duration = nan", "finite", without='duration = "50 ms"')
        self.refused_run('duration = ""', "duration", without='duration = "50 ms"')
        for method in ("4", '["rk4"]'):
            self.refused_run(f"method = {method}", "method", "string", without='method = "rk4"')
        for duration, *words in (('"-50 ms"', "above 0"), ('"0 ms"', "above 0"), ('"50 mV"', "[mV]", "[ms]"), ('"50 ms ms"', "'ms'"), ("inf", "[ms]"),
                                 ('"inf ms"', "inf")):
            self.refused_run(f"duration = {duration}", "e.toml:6", *words, without='duration = "50 ms"')
        self.refused_run('step = "-0.05 ms"', "step", "above 0", without='step = "0.05 ms"')
        self.refused_run('every = "0 ms"', "every", "above 0", without='every = "1 ms"')
        self.refused_run("seed = 99999999999999999999", "e.toml:9", "64 bits")
        self.refused_run('seed = "7"', "seed", "whole number")
        self.refused_run('record = ["vv"]', "vv", "Closest: v")
        self.refused_run("record = [1]", "record[0]", "string")
        self.refused_run('start = "steady_state"', "start", "initial, steady")
        self.refused_run('duration = "' + "(" * 5000 + '1 ms"', "duration", without='duration = "50 ms"')

    def test_settings_that_no_run_could_follow(self):
        self.refused_run('duration = "1e300 ms"', "duration", "points", without='duration = "50 ms"')
        self.refused_run('step = "1e-300 ms"', "step", "10 million", without='step = "0.05 ms"')
        self.refused_run('every = "1e-9 ms"', "every", without='every = "1 ms"')
        self.refused_run('method = "dp54"', "dp54", "adapts its step", without='method = "rk4"')
        self.refused_run("", "rk4", "step", without='step = "0.05 ms"')
        self.refused_run('implicit = ["v"]', "implicit", "imex3")
        self.refused_run("tolerance = 1e-30", "tolerance", "1e-15")
        self.refused_run("tolerance = nan", "tolerance", "1e-15")
        self.refused_run("tolerance = 1e-6", "tolerance", "run.step")
        self.refused_experiment('circuit = "isn"\n[run]\nmethod = "steady"\nduration = "5 ms"\n', "run.duration", "\"steady\"")
        self.refused_experiment('circuit = "isn"\n[run]\nmethod = "iterate"\nduration = "5 ms"\n', "iterate", "flow")
        self.refused_run("absolute = 0", "absolute", "above 0")
        self.write("map.circuit", "circuit map\nstep 2 ms\nnext(x) = x/2 : 1\n")
        for duration, every, key in ((3, 2, "duration"), (4, 3, "every"), (4, 1e-3, "every")):
            self.refused_experiment(f'circuit = "map.circuit"\n[run]\nduration = "{duration} ms"\nevery = "{every} ms"\n', key, "steps of 2 ms")
        self.refused_experiment('circuit = "isn"\n[[lesion]]\ntarget = "h_E"\nfrom = "5 ms"\n', "from", "steady state")

    def test_check_evaluates_once_and_names_the_place(self):
        conv = "conv(V, gaussian(unit, size=3, sd=1), algorithm=box)"
        for old, new, place in (("dV/dt", f"near := {conv}\ndV/dt", "c.circuit:7:1: 'near'"), ("- V)", f"- {conv})", "c.circuit:7")):
            self.refused_circuit(CIRCUIT.replace(old, new), place, "algorithm 'box'", "Use automatic")
        self.write("d.circuit", "circuit d\nparameter d = 0 ms\nx(t <= 0) = 1\ndx/dt = -delayed(x, d)/(10 ms) : 1\n")
        late = 'circuit = "d.circuit"\n[run]\nduration = "9 ms"\n'
        for run, *words in (('method = "bdf"', "the delay of delayed(x, d) is zero", "adams"), ('method = "imex3"\nimplicit = ["x"]', "has delays"),
                            ('method = "rk4"\nstep = "1 ms"\n[parameters]\nd = "0.5 ms"', "at least the step of 1 ms"),
                            ('method = "dp54"\n[parameters]\nd = "-1 ms"', "delayed(x, d) = -1 ms", "not negative")):
            self.write("e.toml", late + run + "\n")
            self.refused(["check", "e.toml"], "e.toml", *words)
        self.write("e.toml", 'circuit = "d.circuit"\n')
        self.refused(["check", "e.toml"], "e.toml", "has delays", "Integrate it in time")
        self.write("e.toml", late + 'method = "dp54"\n')
        self.assertEqual(self.striate("check", "e.toml").returncode, 0)
        self.write("d.circuit", "circuit d\nparameter d = 0 ms\nx(t <= 0) = 1\ndx/dt = -delayed(x, (1 ms^2)/d)/(10 ms) : 1\n")
        self.refused(["check", "e.toml"], "e.toml", "= infinite, but must be finite")

    def test_amounts_and_lists_in_messages(self):
        self.write("c.circuit", CIRCUIT.replace("dV/dt", "axis to = 2\nparameter g = 1 1 in (0, 5)\nparameter m[unit, to] = 1 1\ng_all := g*mean(m, unit, to)\ndV/dt"))
        run = '[run]\nmethod = "dp54"\nduration = "9 ms"\n'
        for text, *words in (('conditions.q.values = [1, 9]\nparameters.g = "q"', "which is 9 in condition 1"),
                             ('conditions.q.values = [1, 0]\nparameters.tau = "1 ms/q"', "which is infinite in condition 1", "(0, inf)"),
                             ("parameters.m = [[1, 2], [3, 4], [5, 6]]", "e.toml:2", "numbers, not lists", "all 6", "row by row")):
            self.refused_experiment('circuit = "c.circuit"\n' + text + "\n" + run, *words)
        self.refused_experiment('circuit = "c.circuit"\n' + run + '[[analysis]]\nname = "a"\nkind = "response"\nvariable = "V"\nfeature = "0 deg"\n',
                                "e.toml:9", "analysis[0].feature", "no axis 'feature'", "axis = ")
        (self.folder / "out.h5").touch()
        self.assertNotIn("--resume", self.striate("run", "unit.toml", "-o", "out.h5").stderr)
        self.assertIn("--resume", self.striate("sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", "out.h5").stderr)

    def test_conditions_and_parameters(self):
        for text, *words in (("conditions.a = 3", "table"), ("[conditions.a]", "no values"), ("conditions.a.values = []", "at least one"),
                             ('conditions.a = { values = [1], unit = "foo" }', "foo"), ("conditions.v.values = [1]", "'v'", "Rename"),
                             ("conditions.t.values = [1]", "meaning of its own"), ('conditions."a b".values = [1]', "not a name"),
                             ("conditions.a = { from = 0, to = inf, count = 2 }", "to = inf", "finite"),
                             ("conditions = { a = { from = 0, to = 1, count = 1000000 }, b = { from = 0, to = 1, count = 1000000 } }", "1e+12"),
                             ("parameters.tau_v = nan", "(0, inf)"), ("parameters.tau_v = []", "0 values"),
                             ('parameters.tau_w = "5 mV"', "[mV]", "[ms]"), ("parameters.tau_w = {a = 1}", "lacks `file`"), ("parameters.tau_w = 1979-05-27", "string"),
                             ('parameters.tau_w = ["1 ms", "2 ms"]', "2 values"), ('regime = "oscilating"', "oscillating"), ("settings.n = 3", "'n'"),
                             ('[[stimulus.layer]]\nfeature = "0 deg"', "Add [encoder]"), ("inputs.X = 1", "inputs.X", "no such key"),
                             ('[[lesion]]\ntarget = "X"', "'X'"), ('[[lesion]]\ntarget = "v"\nclamp = "3 mV"', "[mV]"),
                             ('[[lesion]]\ntarget = "v"\nclamp = 0\nscale = 2', "both clamp and scale"), ('[[lesion]]\ntarget = "v"\nfrom = "3 mV"', "[ms]"),
                             ('[[lesion]]\ntarget = "v"\nscale = nan', "finite"), ("conditions.q = {from = 0, to = 1, count = 0}", "1 to 1000000"),
                             ("conditions.q = {from = 0, to = 1, count = 2.5}", "whole number"), ("conditions.q = {values = [1], from = 0}", "conditions.q.from"),
                             ('conditions.q.values = ["a"]', "'a' is not defined"), ('conditions.q = {values = [1, 2], labels = ["a"]}', "2 values"),
                             ('conditions.q.values = [0, 1]\nparameters.tau_w = "1 ms/q"', "inf [ms]"),
                             ('conditions.q.values = [1, -1]\nparameters.tau_w = "1 ms*q"', "-1 ms in condition 1"),
                             ("parameters.tau_v = true", "tau_v"), ('parameters."τ" = 1', "τ"), ("settings.q = 3", "'q'")):
            self.refused_experiment(EXPERIMENT.replace("[run]", text + "\n[run]"), "e.toml", *words)

    def test_stimuli_and_encoders(self):
        self.refused_tilt('size = "2 deg"', 'size = "2 deg"\nonset = "10 ms"', "onset", "time 0", "run.method")
        self.refused_tilt('"0.25 deg"', '"0.25"', "scale", "0.25 deg")
        self.refused_tilt("[encoder]", "[encodr]", "[stimulus]", "Add [encoder]")
        self.refused_tilt("[encoder]", "[inputs]\nX = 1\n\n[encoder]", "inputs.X = 1", f"[encoder] of e.toml:{TILT[:TILT.index('[encoder]')].count(chr(10)) + 4}", "'X'")
        for old, new, *words in (('kind = "circular"', 'kind = "circlar"', "circular"), ("width = 0.40", "width = -1", "width"),
                                 ("width = 0.40", "width = nan", "width"), ('axis = "feature"', 'axis = "featur"', "e.toml", "Closest: feature"),
                                 ('axis = "feature"', 'input = "Y"', "Y", "Closest: X"), ('range = ["-90 deg", "90 deg"]\n', "", "lacks `range`"),
                                 ('"-90 deg", "90 deg"', '"90 deg", "-90 deg"', "upwards"), ('"-90 deg", "90 deg"', '"-90 mV", "90 mV"', "[mV]", "[deg]"),
                                 ('shape = "square"', 'shape = "sqare"', "Closest: square"), ('size = "8 deg"', 'size = "-8 deg"', "above 0"),
                                 ('size = "8 deg"', 'size = "1e20 deg"', "elements"), ('size = "8 deg"', 'size = 8', '"8 deg"'),
                                 ('size = "8 deg"', 'size = "diference"', "Closest: difference"),
                                 ('size = "8 deg"', 'size = "8 deg"\ncontrast = "120 %"', "120 %", "100 %"),
                                 ('size = "8 deg"', 'size = "8 deg"\ncontrast = "difference/(45 deg)"', "contrast"),
                                 ('size = "8 deg"', 'size = "8 deg"\nonset = "9 ms"\noffset = "5 ms"', "onset 9 ms"),
                                 ('scale = "0.25 deg"', 'scale = "0 deg"', "scale"), ('feature = "-difference"', 'image = "none.png"', "none.png", "No such file"),
                                 ('"-90 deg", "90 deg"', '"-90 deg"', "two ends"), ('"-90 deg", "90 deg"', '"9 deg", "9 deg"', "upwards"),
                                 ('normalise = "image"', 'normalise = "imag"', "Closest: image"), ('feature = "0 deg"\n', "", "lacks `feature`"),
                                 ('size = "8 deg"', 'size = "8 deg"\ninner = "9 deg"', "smaller than size"),
                                 ('size = "8 deg"', 'size = "8 deg"\ncontrast = -0.1', "-10 %"), ('size = "8 deg"', 'size = "8 deg"\ncontrast = "3 mV"', "[mV]"),
                                 ('size = "8 deg"', 'size = "8 deg"\ncentre = ["1 deg"]', "[x, y]"), ('size = "8 deg"', 'size = "8 deg"\nangle = "30 deg"', "angle"),
                                 ('size = "8 deg"', 'size = "8 deg"\ndensity = 0.5', "density"), ('size = "8 deg"', 'size = "8 deg"\ncoherence = 0.5', "coherence"),
                                 ('shape = "square"\nsize = "8 deg"', 'shape = "bar"\nwidth = "8 deg"', "lacks `height`"),
                                 ('shape = "square"\nsize = "8 deg"', 'shape = "full"\ncentre = ["1 deg", "0 deg"]', "centre"),
                                 ('shape = "square"\nsize = "8 deg"', 'shape = "dots"\nsize = "8 deg"\ndensity = 2', "200 %"),
                                 ("y = 9", "y = 0", "'y' = 0"), ("y = 9", "y = -3", "whole number"), ("y = 9", "y = 9.5", "whole number"),
                                 ("y = 9", "y = 9\nnear = 8", "even number"), ("y = 9", "y = 9\nfar_hole = 29", "smaller than outer"),
                                 ('feature = "-difference"', 'feature = "0 deg"\ncomponents = [{feature = "0 deg"}]', "feature"),
                                 ('feature = "-difference"', 'image = "e.toml"', "neither PNG"),
                                 ('feature = "-difference"', 'featre = "0 deg"', "feature")):
            self.refused_tilt(old, new, *words)
        (self.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
        self.refused_tilt('feature = "-difference"', 'image = "broken.png"', "broken.png", "damaged")
        (self.folder / "grey.pgm").write_text("P2\n9 9\n255\n" + "9 " * 81)
        grating = 'shape = "square"\nsize = "8 deg"\nfeature = "-difference"'
        self.refused_tilt(grating, 'image = "grey.pgm"', "filter_bank")
        for key in ('centre = ["1 deg", "0 deg"]', "add = true", "contrast = 0.5"):  # no part of an image is shown
            self.refused_tilt(grating, 'image = "grey.pgm"\n' + key, key.split()[0], "no such key")
        for colour, why in (("srgb = [255, 0, 0]", "0 and 1"), ("lms = [1, -1, 0]", "below 0"), ('dkl_radius = 9, dkl_hue = "0 deg"', "smaller radius"), ("rgb = [1, 0, 0]", "Closest: srgb")):
            self.refused_tilt('feature = "-difference"', f"colour = {{ {colour} }}", "e.toml", why)

    def test_a_grid_in_deg_has_one_scale(self):
        self.write("v.circuit", VISUAL)
        self.refused_experiment(SHOWN.replace("[stimulus]", '[stimulus]\nscale = "1 deg"'), "e.toml:3: stimulus.scale", "axis 'x'",
                                "0.5 deg apart")
        self.refused_experiment(SHOWN.replace('"90 deg"]', '"80 deg"]'), "encoder.range", "axis 'feature'", "-90 deg to 90 deg")
        self.write("v.circuit", VISUAL.replace("y = 9", "y = 5"))
        self.refused_experiment(SHOWN, "e.toml:2", "[stimulus]", "1 and 0.5 deg apart")

    def test_a_layer_that_covers_nothing(self):
        self.write("v.circuit", VISUAL)
        self.refused_experiment(SHOWN.replace('"2 deg"', '"0.1 deg"'), "e.toml:3", "covers no element", "9 x 9")
        self.refused_experiment(SHOWN.replace('size =', 'centre = ["9 deg", "0 deg"]\nsize ='), "covers no element")

    def test_keys_that_exclude_each_other(self):
        self.write("v.circuit", VISUAL)
        self.refused_experiment(SHOWN.replace("size =", 'onset = "-9 ms"\noffset = "1 ms"\nduration = "1 ms"\nsize ='), "offset", "duration",
                                "Give one of them")
        self.refused_run("[conditions.c]\nvalues = [1]\nfrom = 1", "conditions.c.from", "values, too")
        self.refused_experiment(SHOWN + '[run]\nduration = "1 s"\n', "run.duration", '"steady"')

    def test_places_of_mistakes(self):
        self.write("v.circuit", VISUAL)
        self.refused_experiment(SHOWN.replace('kind = "gaussian"', 'kind = "gaussian"\naxis = "feature"').replace('"feature"', '"featur"'),
                                "encoder.axis", "Closest: feature")
        self.write("v.circuit", VISUAL.replace("feature = ", "hue = ").replace(", feature]", ", hue]"))
        self.refused_experiment(SHOWN, "e.toml:7: [encoder]", "no such axis", "axis = ...")
        self.refused_experiment(SHOWN.replace('"gaussian"', '"contrast"'), "e.toml:7: [encoder]", "whose axis 'hue'", 'kind = "contrast"')
        self.refused_experiment(EXPERIMENT + '[[lesion]]\ntarget = "w"\npatch = "1 deg"\n', "e.toml:9", "lesion of 'w'", "y and x")
        self.refused_experiment(EXPERIMENT + "[conditions.v]\nvalues = [1]\n[parameters]\nI = \"v\"\n", "e.toml", "the condition 'v'",
                                "[conditions.v]")
        self.refused_experiment(EXPERIMENT.replace("fitzhugh_nagumo", "fitz.circut"), "e.toml:2", "ends in .circuit")
        self.write("v.circuit", VISUAL)
        self.refused_experiment(SHOWN.replace("size =", 'phase = "360 deg*4 Hz*t"\nsize ='), "phase", "changes with the time t")

    def test_a_shape_names_axes_above_it(self):
        self.refused_circuit("circuit c\ntime ms\nparameter w[dy] = 1 1\naxis dy = 3\nx(0) = 0\ndx/dt = -x/(1 ms) : 1\n", ":3:",
                             "axis 'dy' is declared further down")

    def test_a_recording_is_no_text(self):
        with h5py.File(self.folder / "r.h5", "w") as file:
            file["x"] = 1
        self.refused(["run", "r.h5", "-o", "out.h5"], "r.h5", "a recording (HDF5)", "plot")
        self.refused(["check", "r.h5.toml"], "r.h5.toml")

    def test_rates_that_are_no_numbers_at_the_start(self):
        self.write("root.circuit", "circuit root\ntime ms\nr(0) = 2\ndr/dt = -sqrt(-r)/(1 ms) : 1\n")
        self.write("root.toml", 'circuit = "root.circuit"\n')
        self.write("root_run.toml", 'circuit = "root.circuit"\n[run]\nmethod = "bs32"\nduration = "1 ms"\n')
        for arguments in (["check", "root.circuit"], ["check", "root.toml"], ["check", "root_run.toml"], ["run", "root.toml"],
                          ["run", "root_run.toml"]):
            with self.subTest(arguments=arguments):
                done = self.striate(*arguments)
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("The rate of r is nan at t = 0 ms, where r = 2", done.stderr)
                self.assertNotIn("oscillate", done.stderr)

    def test_analyses_and_data(self):
        for old, new, *words in (('kind = "decode"', 'kind = "decod"', "Closest: decode"), ('variable = "O"', 'variable = "OO"', "Closest: O"),
                                 ('against = "difference"', 'against = "diff"', "difference"), ('against = "difference"', 'against = "t"', "steady state"),
                                 ('relative_to = "input"', "relative_to = { difference = 5 }", "5 deg", "none of its values"),
                                 ('relative_to = "input"', 'relative_to = { difference = "5 mV" }', "[mV]"),
                                 ('relative_to = "input"', 'at = ["99 deg", "0 deg"]', "outside axis 'x'"),
                                 ('relative_to = "input"', 'decoder = "trained"', "[training]"), ('name = "shift"', 'name = "a/b"', "letters"),
                                 ('kind = "decode"\nvariable = "O"\nrelative_to = "input"', 'kind = "contrast"\nvariable = "O"\nchannels = [0, 99]', "0 to 8"),
                                 ('kind = "decode"\nvariable = "O"\nrelative_to = "input"', 'kind = "response"\nvariable = "O"', "feature"),
                                 ('x = "angle_deg"', 'x = "angel_deg"', "Closest: angle_deg"), ('series = "black"', 'series = "blak"', "where and match"),
                                 ('where = { series = "black" }', "", "20 rows", "10 conditions")):
            self.refused_tilt(old, new, "e.toml", *words)
        before = TILT[: TILT.index("[analysis.compare]")]
        for table, *words in (("", "no line that names"), ("x,y\n", "no row"), ("x,y\n1,2,3\n", "d.csv:2", "3 cells"), ("x,y\n1,z\n", "y = z"),
                              ('x,y\n"1,2\n', "d.csv:2", "quote"), ("x,x\n", "two columns"), ("x,y\n1,\x01\n", "d.csv:2", "control character")):
            (self.folder / "d.csv").write_text(table)
            self.refused_experiment(before + '[analysis.compare]\nfile = "d.csv"\nx = "x"\ny = "y"\n', "e.toml", *words)

    def test_circuits(self):
        for old, new, *words in (("(E - V)/tau", "(E - V)", "[mV/ms]"), ("(E - V)/tau", "(E - W)/tau", "'W'", "Closest: E, V"),
                                 ("dV/dt", "a := b + E\nb := a + E\ndV/dt", "circular", "a, b, a"), ("= 10 ms", "= -10 ms", "tau", "(0, inf)"),
                                 ("axis unit = 3", "axis unit = 0", "whole number"), ("axis unit = 3", "axis unit = 1e30", "whole number"),
                                 ("[unit]", "[unitt]", "Closest: unit"), ("10 ms", "10 msec", "msec"), ("10 ms", "10", "unit is needed"),
                                 ("10 ms", "1e999 ms", "too large"), ("in (0, inf)", "in (0 inf)", "','"), ("time ms", "time mV", "time"),
                                 ("parameter E", "paramter E", "Closest: parameter"), ("(E - V)/tau", "(E - V/tau", "never closed"),
                                 ("(E - V)/tau", "sine(V/E)*E/tau", "sin"), ("(E - V)/tau", "exp(V)*E/tau", "dimensionless"),
                                 ("dV/dt", "regime r \"x\": tua = 1 ms\ndV/dt", "Closest: tau"), ("-60 mV", "-60 ms", "V(0)"),
                                 ("dV/dt", "parameter w[unit] = [1, 2] mV\ndV/dt", "2 values", "3 elements"),
                                 ("dV/dt", "axis b = 2\nparameter w[b] = 1 mV\ndV/dt", None), ('"rest"', '"rest', "closing"),
                                 ("dV/dt", "z := conv(V, gaussian(unit, size=3, sd=0))\ndV/dt", "sd = 0"),
                                 ("dV/dt", "dV/dt = -V/tau : mV [unit]\ndV/dt", "'V' is taken"), ("V(0)", "parameter tau = 3 ms\nV(0)", "'tau' is taken"),
                                 ("parameter tau", "axis unit = 4\nparameter tau", "twice"), ("dV/dt", "d2V/dt2", "d2V"), ("(0, inf)", "(5, 1)", "(5, 1) is empty"),
                                 (" : mV [unit]", "", "unit of 'V'"), ("E - V", "E \u2212 V", "')'"), ("(E - V)/tau", "(E - V)^1.5/tau", "balance"),
                                 ("(E - V)/tau", "(E - V)^V/tau", "exponent"), (": mV", "::= mV", "unit"), ("axis unit = 3", "axis unit = -3", "whole number"),
                                 ("dV/dt", "z := conv(V, box(unit, size=3), border=circle)\ndV/dt", "circular"),
                                 ("dV/dt", "axis q = 3\nz := conv(V, box(q, size=3))\ndV/dt", "dq=3"), ("dV/dt", "z := matmul(V, V)\ndV/dt", "over=AXIS"),
                                 ("dV/dt", "event s when W > -50 mV: V = -65 mV\ndV/dt", "'W'"), ("dV/dt", "event s when V > -50 ms: V = -65 mV\ndV/dt", "[ms]"),
                                 ("dV/dt", "z := sum(V, q)\ndV/dt", "no axis 'q'"), ("dV/dt", "parameter w[unit] = [1, 2, x] mV\ndV/dt", "number"),
                                 ("dV/dt", "z := slice(V, unit, 2, 5)\ndV/dt", "3 elements"), ("dV/dt", "z := log(V)\ndV/dt", "dimensionless"),
                                 ("dV/dt", "z := z + 1\ndV/dt", "circular"), ("dV/dt", "next(q) = q : 1\ndV/dt", "flow"),
                                 ("dV/dt", "parameter a ~ normal(0, 1) 1 in [5, 6]\ndV/dt", "[5, 6]"), ("dV/dt", "parameter a ~ normal(0, -1) 1\ndV/dt", "sd = -1"),
                                 ("dV/dt", "parameter a ~ uniform(2, 1) 1\ndV/dt", "low = 2"), ("dV/dt", "parameter a ~ b 1\ndV/dt", "'b'")):
            text = CIRCUIT.replace(old, new, 1)
            if words == [None]:
                text, words = text.replace("(E - V)/tau", "(w - V)/tau"), ["b=2", "Sum or average"]
            self.refused_circuit(text, *words)
        (self.folder / "c.circuit").write_bytes(b"\xef\xbb\xbf" + CIRCUIT.replace("\n", "\r\n").encode())  # by other editors
        self.assertEqual(self.striate("check", "c.circuit").returncode, 0)
        self.refused_circuit("", "first line")
        self.refused_circuit(CIRCUIT.encode() + b"# \xe9\n", "UTF-8")
        self.refused_circuit(CIRCUIT.encode() + b"\0", "control character")
        self.refused_circuit('circuit a "b"\nx := ' + "(" * 100000 + "1\n", "c.circuit:2")

    def test_noise_delays_and_spikes(self):
        def refused(line, *words):
            self.refused_circuit(NETWORK.replace("dg/dt", line + "\ndg/dt"), *words)

        for line, *words in (("noise xi", "'ito' or 'stratonovich'"), ("noise xi Ito", "'Ito'"), ("noise V ito", "'V' is taken"), ("noise xi[q] ito", "no axis 'q'"),
                             ("noise xi ito\nq := xi", "no value at a time"), ("noise xi ito\ndw/dt = xi : 1", "balance"), ("noise xi ito\ndw/dt = xi^2 : 1", "not linear"),
                             ("noise xi[n] ito\ndw/dt = xi/sqrt(1 ms) : 1", "[n=4]"), ("q := delayed(V, d)", "the past of 'V'", "V(t <= 0)"),
                             ("q := delayed(V, 5 mV)", "[mV]", "time"), ("q := delayed(V, t)", "parameters only"), ("q := delayed(u, d)\ninput u : 1", "'u' is no state"),
                             ("V(t <= 0) = -60 mV", "V(0)", "Keep one"), ("q := 3 mm/ms", "'ms'", "3 [mm/ms]"), ("q := mean(V, n, n)", "named twice"),
                             ("time s", "twice"), ("circuit d", "twice"), ("seed 1\nseed 2", "twice")):
            refused(line, *words)
        for line, *words in ((": V = -45 mV", "5 [mV] above its threshold"), (": V = -65 mV, hold V for 5 mV", "[mV]", "[ms]"), (": V = -65 mV, hold V for -5 ms", "-5 [ms]", "negative"),
                             (": V = -65 mV, hold V, V for 5 ms", "twice"), (": V = -65 mV, V = -66 mV", "twice"), (": V = -65 mV, hold Q for 5 ms", "no state 'Q'"),
                             (": tau = 3 ms", "no state 'tau'")):
            refused("event s when V > -50 mV" + line, *words)
        for line, *words in (("rate 5", "[1]", "[kHz]"), ("rate -5 Hz", "-0.005 [kHz]", "negative"), ("rate V/(1 mV*1 s)", "state 'V'"), ("", "'rate'")):
            refused("poisson p[n] " + line, "c.circuit:9:", *words)
        for line, *words in (("all_to_al: g += 1 mV", "Closest: all_to_all"), ("all_to_all: g += 1 nS", "[nS]", "[mV]"), ("all_to_all: h += 1 mV", "no state 'h'"), ("all_to_all: g = 1 mV", "+="),
                             ("all_to_all after -1 ms: g += 1 mV", "-1 [ms]"), ("all_to_all after 1 mV: g += 1 mV", "[mV]", "[ms]"), ("all_to_all after V: g += 1 mV", "'V'"),
                             ("random(probability=1.5): g += 1 mV", "0 to 1"), ("random(prob=0.1): g += 1 mV", "probability"), ("random(probability=0, probability=1): g += 1 mV", "twice"),
                             ("fixed_in(count=9): g += 1 mV", "count = 9", "4 sources"), ("gaussian(sd=1, in=2): g += 1 mV", "[mm]"), ("pairs(list=[0, 0, 9, 9]): g += 1 mV", "element 9", "0 to 3"),
                             ("pairs(list=[0, 0, 1]): g += 1 mV", "pre, post"), ("all_to_all: g += post(V)", "post(V)"), ("all_to_all: g += 1 mV, back from q: g = 0 mV", "'q'")):
            refused("event s when V > -50 mV: V = -65 mV\nprojection e from s to n: " + line, "c.circuit:10:", *words)
        for line, *words in (("from ss to n", "no event 'ss'", "Closest: s"), ("from s to q", "no axis 'q'"), ("from s[n=0:9] to n", "n=0:9"), ("from s[n=3:1] to n", "n=3:1")):
            refused(f"event s when V > -50 mV: V = -65 mV\nprojection e {line}: all_to_all: g += 1 mV", "c.circuit:10:", *words)
        self.write("train.circuit", "circuit train\ntrain s: x = x + 1\ndx/dt = -x/(5 ms) : 1\n")
        self.write("s.csv", "time,element\n1,0\n")
        self.refused_experiment('circuit = "train.circuit"\n[run]\nmethod = "dp54"\nduration = "5 ms"\n[trains.s]\nfile = "s.csv"\nunit = "mV"\n', "trains.s.file", "[mV]", "[ms]")
        refused("event s when V > -50 mV: V = -65 mV\nprojection m from s to n: all_to_all: g += 1 mV\naxis m = 2", "'m'", "projection")
        network = 'circuit = "coba"\n[settings]\nN = 100\n[run]\nmethod = "exact"\nduration = "10 ms"\nstep = "0.1 ms"\nspikes = "grid"\n'
        for old, new, *words in (('"grid"', '"gird"', "Closest: grid"), ('"exact"', '"dp54"', "exact"), ('spikes = "grid"\n', "", "a scheme for spikes"), ('step = "0.1 ms"\n', "", "step"), ('"0.1 ms"', '"50 ms"', "grid"),
                                 ('"grid"', '"grid"\nprecision = "half"', "single"), ('"grid"', '"precise"\nprecision = "single"', "grid"), ("N = 100", "N = 7.5", "whole number"),
                                 ("N = 100", "N = 1000000000", "67108864")):
            self.refused_experiment(network.replace(old, new), *words)
        for model, method, *words in (("kuramoto_noisy", "dp54", "noise", "sra1"), ("kuramoto_delayed", "iterate", "flow")):
            self.refused_experiment(f'circuit = "{model}"\n[settings]\nunit = 5\n[run]\nmethod = "{method}"\nduration = "1 s"\n', *words)

    def test_what_only_a_run_of_spikes_can_know(self):
        run = {"precise": '[run]\nmethod = "dp54"\nduration = "10 ms"\n',
               "grid": '[run]\nmethod = "euler"\nspikes = "grid"\nstep = "0.1 ms"\nduration = "10 ms"\nevery = "1 ms"\n'}
        spiking = 'q = 1 1\nevent s when V > -50 mV: V = -65 mV\ntrain in[n]\n'

        def refused(synapses, rest, *words, engines=("precise", "grid")):
            for engine in engines:
                circuit = NETWORK.replace("dg/dt", "parameter " + spiking + synapses + "\ndg/dt")
                self.write("n.circuit", circuit)
                self.write("e.toml", 'circuit = "n.circuit"\n' + run[engine] + (rest or "[trains.in]\ntimes = [1]\n"))
                with self.subTest(words=words, engine=engine):
                    self.refused(["run", "e.toml", "-o", "out.h5"], "e.toml", *words)

        synapses = "projection p from s to n: all_to_all after {}: g += {}"
        parameters = "[trains.in]\ntimes = [1]\n[parameters]\nq = {}\n"
        refused(synapses.format("1 ms", "sqrt(q)*(1 mV)"), parameters.format(-1), "'p'", "nan [mV] to 'g'", "finite")
        refused(synapses.format("1 ms", "(1 mV)/q"), parameters.format(0), "'p'", "inf [mV] to 'g'", "finite")
        refused(synapses.format("1 ms", "uniform(0.5, 1)*(1 mV)/q"), parameters.format(0), "inf", "from s[0] to 0")
        refused(synapses.format("1 ms", "uniform(1e39 mV, 2e39 mV)"), "", "3.4e38", "from s[0] to 0", engines=["grid"])
        refused(synapses.format("1 ms/q", "1 mV"), parameters.format(-1), "'p'", "-1", "after it left")
        refused(synapses.format("0.04 ms", "1 mV"), "", "'p'", "0.04 [ms]", "Take a smaller step", engines=["grid"])
        refused(synapses.format("1 s*1000", "1 mV"), "", "'p'", "65536 steps", "Shorten", engines=["grid"])
        refused("", "[trains.in]\ntimes = [nan]\n", "time nan", "'in'")
        refused("", '[trains.in]\ntimes = [1]\n[[analysis]]\nname = "r"\nkind = "spike_correlation"\nevent = "s"\nbin = "1e-12 ms"\n', "bins", "memory")
        self.write("out.csv", "time,element\n1,0\n")
        refused("", '[trains.in]\nfile = "out.csv"\nunit = "mV"\n', "[mV]", 'unit = "ms"')
        self.refused_experiment('circuit = "lif"\n[run]\nmethod = "dp54"\nduration = "10 ms"\nrecord = ["spike"]\n', "'spike' is an event", "always kept")
        self.refused_experiment('circuit = "lif"\n', "jumps", "method and duration")

    def test_phase_responses_and_branches(self):
        def refused(command, text, *words):
            self.write("e.toml", text)
            with self.subTest(words=words):
                self.refused([command, "e.toml", "-o", "out.h5"], *words)

        cycle = 'circuit = "wilson_cowan"\nregime = "G1"\n[prc]\ntransient = "500 ms"\n'
        for old, new, *words in (("[prc]\ntransient = \"500 ms\"\n", "", "lacks [prc]"), ('transient = "500 ms"\n', "", "lacks `transient`"), ('"500 ms"', '"500 mV"', "[mV]"), ('"500 ms"', '"-5 ms"', "above 0"),
                                 ('"500 ms"', '"500 ms"\norigin = "EE"', "Closest: E"), ('"500 ms"', '"500 ms"\nangles = ["Q"]', "'Q'"), ('"500 ms"', '"500 ms"\nsamples = 1', "4 to 100000"),
                                 ('"500 ms"', '"500 ms"\nsample = 8', "Closest: samples"), ('"500 ms"', '"500 ms"\ntolerance = 0', "1e-13"), ('"500 ms"', '"500 ms"\ncoupling.E = "E_k/tau_E"', "Closest: E_j"),
                                 ('"500 ms"', '"500 ms"\ncoupling.E = "E_j"', "[kHz]"),
                                 ('"500 ms"', '"500 ms"\ncoupling.E = "foo"', 'e.toml:5: prc.coupling.E = "foo": '), ('"500 ms"', '"500 ms"\n[conditions.a]\nvalues = [0, 1]', "several conditions")):
            refused("prc", cycle.replace(old, new), "e.toml", *words)
        branch = 'circuit = "chimera_reduced"\n[continuation]\nparameter = "A"\nfrom = 0.1\nto = 0.4\n'
        for old, new, *words in (('parameter = "A"\nfrom = 0.1\nto = 0.4\n', "", "lacks `parameter`"), ('"A"', '"Q"', "Closest: A"), ("from = 0.1", "from = 0.9", "above from"), ("to = 0.4", "to = inf", "to = inf"),
                                 ("from = 0.1", 'from = "0.1 mV"', "[mV]"), ("to = 0.4", "to = 0.4\nstep = 5", "0.5"), ("to = 0.4", 'to = 0.4\ncycles = "no"', "true or false"),
                                 ("to = 0.4", "to = 0.4\nmost_points = 0", "2 to 1000000"), ("to = 0.4", 'to = 0.4\nstart = "cycel"', "Closest: cycle"),
                                 ("to = 0.4", 'to = 0.4\nstart = "cycle"', "lacks `march`"), ("to = 0.4", 'to = 0.4\nstart = "cycle"\nmarch = "9 s"\nangles = ["phi"]', "Closest: psi"),
                                 ("to = 0.4", "to = 0.4\n[continuation.initial]\nrr = 1", "Closest: r"), ("to = 0.4", 'to = 0.4\n[continuation.initial]\nr = "1 mV"', "[mV]"), ("to = 0.4", "to = 0.4\nmach = 0", "Closest: march")):
            refused("continue", branch.replace(old, new), "e.toml", *words)
        refused("continue", branch.replace("from = 0.1", "from = 0.3"), "e.toml", "A = 0.2", "[0.3, 0.4]")
        for command, model, *words in (("prc", "coba", "events"), ("prc", "kuramoto_noisy", "noise"), ("continue", "kuramoto_delayed", "delays")):
            parameter = 'parameter = "K"\nfrom = "0.1 1/s"\nto = "9 1/s"\n' if model == "kuramoto_delayed" else ""
            refused(command, f'circuit = "{model}"\n[prc]\ntransient = "10 ms"\n' + (f"[continuation]\n{parameter}" if parameter else ""), model, *words)
        self.write("c.circuit", "circuit c\ntime 1\nparameter a = 1 1\ny := a\n")
        self.write("m.circuit", "circuit m\ntime 1\nparameter a = 1 1\nx(0) = 1\nnext(x) = a*x : 1\n")
        for command, table in (("prc", "[prc]\ntransient = 10\n"), ("continue", '[continuation]\nparameter = "a"\nfrom = 0\nto = 2\n'),
                               ("lyapunov", "[lyapunov]\nduration = 10\nstep = 0.1\n")):
            refused(command, 'circuit = "c.circuit"\n' + table, "no states")
            refused(command, 'circuit = "m.circuit"\n' + table, "map", "flows")
        for path in ("none/x.h5", "e.toml/x.h5", "."):
            self.write("e.toml", cycle)
            self.refused(["prc", "e.toml", "-o", path], path)

    def test_delays_noise_and_complex_states_of_a_run(self):
        head = "circuit c\ntime ms\naxis unit = 3\naxis other = 3\nparameter tau = 10 ms in (0, inf)\nparameter d = 5 ms\nnoise xi ito\n"
        run = 'circuit = "c.circuit"\n[run]\nmethod = "{}"\nduration = "50 ms"\n'
        fixed = 'step = "{}"\n'

        def refused(equations, text, *words):
            self.write("c.circuit", (head if "xi" in equations else head.replace("noise xi ito\n", "")) + equations)
            self.refused_experiment(text, "e.toml", *words)

        late = "x(t <= 0) = 1\ndx/dt = -delayed(x, d)/tau : 1\n"
        one = run.format("rk4") + fixed.format("0.1 ms")
        refused(late.replace("t <= 0", "0"), one, "the past of 'x' is missing", "x(t <= 0)")
        refused("z(0) = 1\ndz/dt = i*delayed(z, d)/tau : complex 1\n", one, "the past of 'z'", "z(t <= 0)")
        refused(late, one + '[parameters]\nd = "-5 ms"\n', "delayed(x, d) = -5 ms", "negative")
        refused(late, one + '[parameters]\nd = "q"\n[conditions.q]\nvalues = [5, -5]\nunit = "ms"\n', "condition q = -5 ms", "negative")
        refused(late, run.format("rk4") + fixed.format("8 ms"), "delayed(x, d) = 5 ms", "at least the step of 8 ms")
        refused(late, run.format("dp54") + '[parameters]\nd = "1e-9 ms"\n', "delayed(x, d) = 1e-09 ms", "5e+10 steps")
        refused(late, one + '[parameters]\nd = "1e13 ms"\n', "delayed(x, d)", "PB of memory")
        refused(late, run.format("imex3") + 'implicit = ["x"]\n', "imex3", "dp54")
        refused(late, 'circuit = "c.circuit"\n', "has delays", "Integrate it in time")
        noisy = "dx/dt = -x/tau + {}*xi/sqrt(tau) : 1\n"
        for method in ("dp54", "adams", "bdf", "bs32"):
            refused(noisy.format(1), run.format(method), method, "noise", "sra1")
        for method in ("rk4", "euler", "heun", "exponential_euler"):
            refused(noisy.format(1), run.format(method) + fixed.format("0.1 ms"), method, "noise", "sra1")
        refused(noisy.format(1), 'circuit = "c.circuit"\n', "has noise", "Integrate it in time")
        refused(noisy.format("1 mV"), one, "mV")
        refused(noisy.format("x"), run.format("sra1") + fixed.format("0.1 ms"), "sra1", "euler_maruyama")
        refused(noisy.format("x"), run.format("stochastic_heun") + fixed.format("0.1 ms"), "Ito", "euler_maruyama")
        sums = "parameter W[unit, other] = {} 1\ntheta(0) = index(unit)\ndtheta/dt = sum(W*sin(rename(theta, unit, other) - theta), other)/tau : 1 [unit]\n"
        refused(sums.format("[1, 2, 3, 4]"), one, "'W' has 4 values", "[unit=3, other=3] has 9 elements")
        refused(sums.format(1), one + "[parameters]\nW = [1, 2, 3, 4]\n", "'W' has 4 values", "9 elements")
        refused(sums.format(1), one + "[settings]\nunit = 5\n", "unit=5", "other=3")
        refused("parameter W[unit, other] = 1 - 2*i 1\nz(0) = 1\ndz/dt = matmul(W, rename(z, unit, other), over=other)/tau : complex 1 [unit]\n",
                one + "[parameters]\nW = 3\n", "'W'", "W_re")
        # A mistake leaves the earlier recording as it was.
        self.write("c.circuit", head + noisy.format(1))
        self.write("e.toml", run.format("sra1") + fixed.format("0.1 ms"))
        self.assertEqual(self.striate("run", "e.toml", "-o", "out.h5").returncode, 0)
        self.refused(["run", "e.toml", "-o", "out.h5", "--force", "--set", "run.method=euler"], "has noise")

    def test_a_state_without_amplitude_has_no_phase(self):
        self.write("c.circuit", "circuit c\ntime ms\naxis unit = 2\nz(0) = index(unit)\ndz/dt = i*z/(5 ms) : complex 1 [unit]\nphase := arg(z)\n")
        self.write("e.toml", 'circuit = "c.circuit"\n[run]\nmethod = "dp54"\nduration = "50 ms"\nrecord = ["z", "phase"]\n'
                   '[[analysis]]\nname = "each"\nkind = "phase"\nvariable = "z"\n[[analysis]]\nname = "order"\nkind = "order"\nvariable = "z"\n')
        self.assertEqual(self.striate("run", "e.toml", "-o", "out.h5").returncode, 0)
        with h5py.File(self.folder / "out.h5") as file:
            self.assertTrue((file["phase"][:, 0] == 0).all())
            self.assertNotEqual(file["analysis/each"][0], file["analysis/each"][0])  # not a number
            self.assertAlmostEqual(float(file["analysis/order"][()]), 1)  # of the place that has a phase

    def test_courses_in_time(self):
        text = ('circuit = "kuramoto"\n[settings]\nunit = 20\n[parameters]\nK = "1 1/s"\n[run]\nmethod = "dp54"\nduration = "2 s"\nevery = "20 ms"\nrecord = []\n'
                '[[analysis]]\nname = "a"\nkind = "order"\nvariable = "theta"\nphase = "angle"\n')
        for old, new, *words in (('"order"', '"ordr"', "Closest: order"), ('"angle"', '"angl"', "Closest: angle"), ('phase = "angle"\n', "", "where does the phase"), ('"angle"', '"angle"\nmoment = 0.5', "whole number"),
                                 ('"angle"', '"analytic"\nband = [5]', "upper end"), ('"angle"', '"analytic"\nband = ["5 Hz", "2 Hz"]', "upwards"), ('"angle"', '"analytic"\nband = ["5 Hz", "2000 Hz"]', "25 Hz"),
                                 ('"angle"', '"angle"\nfrom = "3 s"', "within the run"), ('"angle"', '"angle"\nover_time = "men"', "Closest: mean"), ('"order"', '"local_order"\nreach = -1', "reach = -1"),
                                 ('"order"', '"link_order"', "weights"), ('"order"', '"link_order"\nweights = "Q"', "no such parameter"), ('"order"', '"wave"\nof = "sped"', "Closest: speed"),
                                 ('"order"', '"coherence"', "`with`"), ('"order"', '"chimera_index"', "communities"), ('"order"', '"metastability"\naxis = "unit"', "one place each"), ('"order"', '"envelope"', "no envelope"),
                                 ('"angle"', '"generalised"\nlowest = "26 Hz"', "up to 25 Hz"), ('"order"', '"wave"\nof = "speed"\nspacing = "1 ms"', "by a length"), ('"dp54"', '"steady"', "course in time")):
            text_now = text.replace(old, new, 1)
            self.refused_experiment(text_now.replace('duration = "2 s"\nevery = "20 ms"\n', "") if '"steady"' in new else text_now, "e.toml", *words)

    def test_options(self):
        for arguments, *words in ((["run", "unit.toml", "--thread", "1"], "--threads"), (["run", "unit.toml", "--threads", "0"], "1 to 4096"),
                                  (["run", "unit.toml", "--set"], "--set"), (["run", "unit.toml", "--set", "x"], "KEY=VALUE"),
                                  (["run", "unit.toml", "--set", "run..step=1"], "path of keys"), (["run"], "experiment"), ([], "--help"), (["rn", "unit.toml"], "Closest: run"), (["run", "none.toml"], "none.toml", "No such file"),
                                  (["run", "unit.toml", "unit.toml"], "unit.toml"), (["run", "unit.toml", "-o", "none/o.h5"], "none/o.h5"),
                                  (["run", "unit.toml", "-o", "."], "."), (["run", "unit.toml", "--set", "run=3"], "table"),
                                  (["run", "unit.toml", "--set", "run.stp=3"], "Closest: step"),
                                  (["run", "unit.toml", "-o", ""], "--output", "empty"), (["plot", ""], "empty"), (["sweep", "unit.toml", "--over", "parameters.I=0,1", "-o", ""], "empty"),
                                  (["run", "unit.toml", "-o", "/dev/null", "--force"], "not a file"), (["run", "unit.toml", "-o", "unit.toml/x.h5"], "Not a directory"), (["run", "unit.toml", "--threads", "two"], "two", "1 to 4096"),
                                  (["sweep", "unit.toml", "--over", "parameters.I="], "KEY=VALUES"), (["list", "x"], "'x'"),
                                  (["run", "unit.toml", "-o", "unit.toml", "--force"], "not an HDF5 file"), (["show", "contextul"], "contextual"),
                                  (["sweep", "unit.toml", "--over", "run.step=1 ms,2 mV"], "dimensions"),
                                  (["sweep", "unit.toml", "--over", "run.step=1 ms,1 ms"], "twice"),
                                  (["sweep", "unit.toml", "--over", "settings.unit=3"], "unit"),
                                  (["sweep", "unit.toml", "--over", "parameters.I=0:1:1000000", "--over", "parameters.b=0:0.5:1000000"], "100 million"),
                                  (["sweep", "unit.toml", "--over", "parameters.I=0:1:10000", "--over", "parameters.b=0:0.5:10000", "--set", 'run.every="0.01 ms"'], " TB", "disk")):
            with self.subTest(arguments=arguments):
                self.refused(arguments, *words)

    def test_a_training_is_no_experiment(self):
        self.refused_experiment('circuit = "unit.circuit"\n[train]\nsteps = 3\n', "e.toml:2", "train", "striate train")

    def test_an_unknown_instruction_set_is_no_mistake_of_a_file(self):
        with unittest.mock.patch.dict(os.environ, STRIATE_ISA="v9"):
            self.refused(["run", "unit.toml"], "striate: isa_level: STRIATE_ISA = v9")

    def test_what_neither_memory_nor_disk_can_hold_is_said_before_anything_runs(self):
        (self.folder / "c.circuit").write_text(CIRCUIT)
        text = 'circuit = "c.circuit"\n[settings]\nunit = 1000000000\n[run]\nmethod = "rk4"\nduration = "1e6 ms"\nstep = "1 ms"\nevery = "1 ms"\n'
        self.refused_experiment(text, " PB", "disk")
        circuit = "".join(f"dx{i}/dt = -x{i}/tau : 1 [unit]\n" for i in range(1000))  # 16 TB of states and rates
        (self.folder / "c.circuit").write_text(CIRCUIT + circuit)
        self.refused_experiment(text.replace("[run]", "[run]\nrecord = []"), " TB", "memory")


if __name__ == "__main__":
    unittest.main()
