"""Every malformed experiment, circuit and option gives exit code 2 and one line that says where and what, and leaves no
file.

Usage: test_bad_input.py PATH_OF_STRIATE
"""

import unittest

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

    def test_keys_of_the_wrong_kind(self):
        self.refused_experiment(EXPERIMENT + "[runn]\na = 1\n", "e.toml:9", "runn", "Closest: run")
        self.refused_experiment('circuit = "isn"\nrun = 3\n', "run = 3", "table")
        self.refused_experiment('circuit = 3\n', "circuit = 3", "string")
        self.refused_run("seed = 1.5", "seed", "whole number")
        self.refused_run("seed = -1", "seed", "negative")
        self.refused_run('record = "v"', "record", "list")
        self.refused_run('record = ["v", "v"]', "'v'", "twice")
        self.refused_run('tolerance = "1e-6"', "tolerance", "number")
        self.refused_run("method = true", "method", "string", without='method = "rk4"')
        self.refused_run("duration = 50", "50 ms", without='duration = "50 ms"')
        self.refused_run('duration = "50 msec"', "msec", without='duration = "50 ms"')
        self.refused_run("duration = nan", "finite", without='duration = "50 ms"')
        self.refused_run('duration = ""', "duration", without='duration = "50 ms"')
        self.refused_run('duration = "' + "(" * 5000 + '1 ms"', "duration", without='duration = "50 ms"')

    def test_settings_that_no_run_could_follow(self):
        self.refused_run('duration = "1e300 ms"', "duration", "points", without='duration = "50 ms"')
        self.refused_run('step = "1e-300 ms"', "step", "10 million", without='step = "0.05 ms"')
        self.refused_run('every = "1e-9 ms"', "every", without='every = "1 ms"')
        self.refused_run('method = "dp54"', "dp54", "adapts its step", without='method = "rk4"')
        self.refused_run("", "rk4", "step", without='step = "0.05 ms"')
        self.refused_run('implicit = ["v"]', "implicit", "imex3")
        self.refused_run("tolerance = 1e-30", "tolerance", "1e-15")
        self.refused_run("absolute = 0", "absolute", "above 0")

    def test_conditions_and_parameters(self):
        for text, *words in (("conditions.a = 3", "table"), ("[conditions.a]", "no values"), ("conditions.a.values = []", "at least one"),
                             ('conditions.a = { values = [1], unit = "foo" }', "foo"), ("conditions.v.values = [1]", "'v'", "Rename"),
                             ("conditions.t.values = [1]", "meaning of its own"), ('conditions."a b".values = [1]', "not a name"),
                             ("conditions.a = { from = 0, to = inf, count = 2 }", "to = inf", "finite"),
                             ("conditions = { a = { from = 0, to = 1, count = 1000000 }, b = { from = 0, to = 1, count = 1000000 } }", "1e+12"),
                             ("parameters.tau_v = nan", "(0, inf)"), ("parameters.tau_v = []", "0 values"),
                             ("parameters.tau_v = true", "tau_v"), ('parameters."τ" = 1', "τ"), ("settings.q = 3", "'q'")):
            self.refused_experiment(EXPERIMENT.replace("[run]", text + "\n[run]"), "e.toml", *words)

    def test_stimuli_and_encoders(self):
        self.refused_tilt("[encoder]", "[encodr]", "[stimulus]", "Add [encoder]")
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
                                 ('feature = "-difference"', 'featre = "0 deg"', "feature")):
            self.refused_tilt(old, new, *words)
        (self.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
        self.refused_tilt('feature = "-difference"', 'image = "broken.png"', "broken.png", "damaged")
        (self.folder / "grey.pgm").write_text("P2\n9 9\n255\n" + "9 " * 81)
        self.refused_tilt('feature = "-difference"', 'image = "grey.pgm"', "filter_bank")

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
                                 ("dV/dt", "z := conv(V, gaussian(unit, size=3, sd=0))\ndV/dt", "sd = 0")):
            text = CIRCUIT.replace(old, new, 1)
            if words == [None]:
                text, words = text.replace("(E - V)/tau", "(w - V)/tau"), ["b=2", "Sum or average"]
            self.refused_circuit(text, *words)
        self.refused_circuit("", "first line")
        self.refused_circuit(CIRCUIT.encode() + b"# \xe9\n", "UTF-8")
        self.refused_circuit(CIRCUIT.encode() + b"\0", "control character")
        self.refused_circuit('circuit a "b"\nx := ' + "(" * 100000 + "1\n", "c.circuit:2")

    def test_options(self):
        for arguments, *words in ((["run", "unit.toml", "--thread", "1"], "--threads"), (["run", "unit.toml", "--threads", "0"], "1 to 4096"),
                                  (["run", "unit.toml", "--set"], "--set"), (["run", "unit.toml", "--set", "x"], "KEY=VALUE"),
                                  (["run", "unit.toml", "--set", "run..step=1"], "path of keys"), (["run"], "experiment"), ([], "--help"),
                                  (["run", "unit.toml", "-o", "unit.toml", "--force"], "not an HDF5 file"), (["show", "contextul"], "contextual"),
                                  (["sweep", "unit.toml", "--over", "run.step=1 ms,2 mV"], "dimensions"),
                                  (["sweep", "unit.toml", "--over", "run.step=1 ms,1 ms"], "twice"),
                                  (["sweep", "unit.toml", "--over", "settings.unit=3"], "unit"),
                                  (["sweep", "unit.toml", "--over", "parameters.I=0:1:1000000", "--over", "parameters.b=0:0.5:1000000"], "TiB")):
            with self.subTest(arguments=arguments):
                self.refused(arguments, *words)

    def test_what_neither_memory_nor_disk_can_hold_is_said_before_anything_runs(self):
        (self.folder / "c.circuit").write_text(CIRCUIT)
        text = 'circuit = "c.circuit"\n[settings]\nunit = 1000000000\n[run]\nmethod = "rk4"\nduration = "1e6 ms"\nstep = "1 ms"\nevery = "1 ms"\n'
        self.refused_experiment(text, "TiB", "disk")
        circuit = "".join(f"dx{i}/dt = -x{i}/tau : 1 [unit]\n" for i in range(1000))  # 16 TB of states and rates
        (self.folder / "c.circuit").write_text(CIRCUIT + circuit)
        self.refused_experiment(text.replace("[run]", "[run]\nrecord = []"), "TiB", "memory")


if __name__ == "__main__":
    unittest.main()
