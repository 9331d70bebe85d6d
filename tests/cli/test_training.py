"""Trainings at the command line: a kill loses nothing, mistakes say what is wrong, and the picture is drawn.

Usage: test_training.py PATH_OF_STRIATE
"""

import json
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import h5py
import numpy

from program import STRIATE, Program

VALIDATION = pathlib.Path(__file__).resolve().parents[2] / "validation"

CIRCUIT = """circuit differ "Do two bits differ?"
time 1
axis k = 4
axis class = 2
parameter W[k] = [0.3, -0.5, 0.8, 0.2] 1
parameter A[k] = [0.9, 0.3, -0.8, 0.5] 1
parameter B[k] = [-0.4, 0.6, 0.8, -0.9] 1
parameter b[k] = [0.1, -0.2, 0.3, 0.2] 1
parameter V[k, class] = [0.1, -0.2, 0.3, 0.4, -0.5, 0.1, 0.6, -0.3] 1
input first : 1
input second : 1
h(0) = 0
next(h) = tanh(A*first + B*second + b + W*h) : 1 [k]
logits := sum(V*h, k)
"""

TRAINING = """title = "Exclusive or"
circuit = "differ.circuit"

[data]
kind = "arrays"
file = "bits.h5"

[loss]
kind = "cross_entropy"
of = "logits"
target = "label"

[train]
steps = 3
batch = 20
updates = 300
held_out = 40
validate_every = 25
checkpoint_every = 10

[optimiser]
rate = 0.05
"""


# Cho et al. (2014), with the reset gate after the recurrent product.
GRU = """circuit gru "Gated recurrent unit"
time 1
axis unit = 12
axis from = size(unit)
axis channel = 2
axis class = 4
input x[channel] : 1
constant bound = sqrt(1/size(unit))
parameter W_r[unit, channel] ~ uniform(-bound, bound) 1
parameter R_r[unit, from] ~ uniform(-bound, bound) 1
parameter b_r[unit] = 0 1
parameter W_z[unit, channel] ~ uniform(-bound, bound) 1
parameter R_z[unit, from] ~ uniform(-bound, bound) 1
parameter b_z[unit] = 0 1
parameter W_n[unit, channel] ~ uniform(-bound, bound) 1
parameter R_n[unit, from] ~ uniform(-bound, bound) 1
parameter b_n[unit] = 0 1
parameter c_n[unit] = 0 1
parameter D[class, unit] ~ uniform(-bound, bound) 1
parameter d[class] = 0 1
past := rename(h, unit, from)
r := sigmoid(matmul(W_r, x, over=[channel]) + matmul(R_r, past, over=[from]) + b_r)
z := sigmoid(matmul(W_z, x, over=[channel]) + matmul(R_z, past, over=[from]) + b_z)
n := tanh(matmul(W_n, x, over=[channel]) + b_n + r*(matmul(R_n, past, over=[from]) + c_n))
h(0) = 0
next(h) = (1 - z)*n + z*h : 1 [unit]
logits := matmul(D, h, over=[unit]) + d
"""


def numbers(path):
    """Every array of numbers in a file, by path."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu":
            found[name] = node[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


class Trainings(Program):
    def setUp(self):
        super().setUp()
        self.write("differ.circuit", CIRCUIT)
        self.write("differ.toml", TRAINING)
        rng = numpy.random.default_rng(1)
        first, second = rng.integers(0, 2, (2, 200)).astype(float)
        self.bits(first=first + 0.1 * rng.standard_normal(200), second=second + 0.1 * rng.standard_normal(200),
                  label=(first != second).astype(float))

    def bits(self, **variables):
        with h5py.File(self.folder / "bits.h5", "w") as file:
            for name, values in variables.items():
                file[name] = values

    def same(self, a, b):
        x, y = numbers(self.folder / a), numbers(self.folder / b)
        self.assertEqual(sorted(x), sorted(y))
        for name in x:
            numpy.testing.assert_array_equal(x[name], y[name], name)

    def test_a_circuit_learns_and_says_how_well(self):
        done = self.striate("train", "differ.toml")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("update 300: held-out loss", done.stdout)
        self.assertIn("accuracy 1.0000", done.stdout)
        with h5py.File(self.folder / "differ.h5") as file:
            self.assertEqual(file.attrs["complete"], 1)
            self.assertEqual(file["curves/held_out_accuracy"][-1], 1)
            self.assertEqual(file["parameters/V"].shape, (4, 2))
            self.assertEqual(file["examples/courses/h"].shape, (4, 4, 4))
        drawn = self.striate("plot", "differ.h5", "-o", "differ.png")
        self.assertEqual(drawn.returncode, 0, drawn)
        self.assertGreater((self.folder / "differ.png").stat().st_size, 20000)
        (self.folder / "link.h5").symlink_to("differ.h5")
        self.assertEqual(self.striate("train", "differ.toml", "-q", "--set", "train.updates=4", "-o", "link.h5", "--force").returncode, 0)
        self.assertTrue((self.folder / "link.h5").is_symlink())
        self.assertEqual(self.done(self.folder / "differ.h5"), 4)

    def test_a_killed_training_goes_on_to_the_same_bits(self):
        longer = ["train", "differ.toml", "-q", "--set", "train.updates=1500", "--threads", "1"]
        self.assertEqual(self.striate(*longer, "-o", "whole.h5").returncode, 0)
        for kind in (signal.SIGKILL, signal.SIGINT):
            out = self.folder / "killed.h5"
            out.unlink(missing_ok=True)
            process = subprocess.Popen([STRIATE, *longer, "-o", "killed.h5"], cwd=self.folder, stderr=subprocess.DEVNULL)
            while process.poll() is None and not (out.exists() and self.done(out) >= 20):
                time.sleep(0.01)
            process.send_signal(kind)
            process.wait(60)
            self.assertEqual(process.returncode, 130 if kind == signal.SIGINT else -kind)
            self.assertLess(self.done(out), 1500)
            resumed = self.striate(*longer, "-o", "killed.h5", "--resume")
            self.assertEqual(resumed.returncode, 0, resumed)
            self.same("whole.h5", "killed.h5")

    def test_a_training_goes_on_with_its_own_data(self):
        train = ["train", "differ.toml", "-q", "--set", "train.updates=4", "--set"]
        self.assertEqual(self.striate(*train, "data.file=bits.h5").returncode, 0)
        self.assertEqual(self.striate(*train, "data.file=bits.h5", "--resume").stderr, "")
        with h5py.File(self.folder / "bits.h5", "r+") as file:
            file["second"][3:5] *= -1
        self.refused([*train, "data.file=bits.h5", "--resume"], "differ.h5", "another data set", "'dataset second: 200 samples", "--force")
        self.refused([*train, 'data.variables=["first", "second", "label"]', "--resume"], "another experiment", "variables")
        with h5py.File(self.folder / "differ.h5", "r+") as file:
            del file["checkpoint/data"]
        train.remove("-q")
        again = self.striate(*train, "data.file=bits.h5", "--resume")
        self.assertEqual((again.returncode, again.stderr.count("Whether they are still the same is not known")), (0, 1), again)

    def test_a_full_disk_keeps_the_checkpoint_before(self):
        train = ["train", "differ.toml", "-q", "--set", "train.checkpoint_every=100", "--set"]
        sizes = []
        for updates in (0, 3000):
            self.assertEqual(self.striate(*train, f"train.updates={updates}", "-o", f"{updates}.h5").returncode, 0)
            sizes.append((self.folder / f"{updates}.h5").stat().st_size)
        limit = sum(sizes) // 2
        full = self.on_a_full_disk(limit, *train, "train.updates=3000", "-o", "full.h5")
        self.assertEqual(full.returncode, 1, full)
        self.assertIn("the one before it stands in 'full.h5'", full.stderr)
        self.assertFalse((self.folder / "full.h5.part").exists())
        self.assertEqual(self.striate(*train, "train.updates=3000", "-o", "full.h5", "--resume").returncode, 0)
        self.same("3000.h5", "full.h5")

    @staticmethod
    def done(path):
        with h5py.File(path, "r") as file:
            return file["checkpoint"].attrs["updates"]

    def test_the_training_of_the_page_is_sound(self):
        page = (VALIDATION.parent / "docs/training.md").read_text()
        self.write("page.toml", page.split("```toml\n")[1].split("```")[0])
        checked = self.striate("check", "page.toml")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""), checked)
        self.assertIn("19500 samples to learn from, 500 held out", checked.stdout)

    def test_a_training_is_checked_and_made_again(self):
        checked = self.striate("check", "differ.toml")
        self.assertEqual(checked.returncode, 0, checked)
        self.assertIn("160 samples to learn from, 40 held out; 300 updates of 20 samples", checked.stdout)
        self.assertIn("24 of 24 parameters are trained", checked.stdout)
        self.assertEqual(self.striate("train", "differ.toml", "-q", "--set", "train.updates=20").returncode, 0)
        again = self.striate("rerun", "differ.h5", "-q")
        self.assertEqual((again.returncode, again.stdout), (0, "the same bits\n"), again)

    def test_an_experiment_runs_with_trained_parameters(self):
        self.assertEqual(self.striate("train", "differ.toml", "-q").returncode, 0)
        self.write("look.toml", 'circuit = "differ.circuit"\nparameters_from = "differ.h5"\n[inputs]\nfirst = 1\n'
                   'second = 0\n[run]\nmethod = "iterate"\nduration = 3\nrecord = ["logits"]\n')
        done = self.striate("run", "look.toml")
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "look.h5") as file:
            logits = file["logits"][-1]
        self.assertGreater(logits[1], logits[0] + 1)  # 1 and 0 differ

    def test_spikes_learn_through_a_surrogate_as_in_pytorch(self):
        sys.path.insert(0, str(VALIDATION / "surrogate"))
        import patterns

        x, labels = patterns.patterns()
        with h5py.File(self.folder / "patterns.h5", "w") as file:
            file["x"], file["label"] = x[:patterns.TRAINED], labels[:patterns.TRAINED].astype(float)
        with h5py.File(self.folder / "initial.h5", "w") as file:
            for name, values in patterns.initial().items():
                file[name] = values
        self.write("spiking.circuit", (VALIDATION / "surrogate/spiking.circuit").read_text())
        self.write("spiking.toml", (VALIDATION / "surrogate/spiking.toml").read_text().replace("../../results/surrogate/", ""))
        done = self.striate("train", "spiking.toml", "-q", "--set", "train.updates=5")
        self.assertEqual(done.returncode, 0, done)
        theirs = json.loads((VALIDATION / "reference/surrogate.json").read_text())
        with h5py.File(self.folder / "spiking.h5") as file:
            for name in ("loss", "gradient_norm"):
                # sums of some thousand terms in another order, five updates long
                numpy.testing.assert_allclose(file[f"curves/{name}"], theirs[name][:5], rtol=1e-9)

    def test_a_gated_recurrent_unit_written_as_text_learns_and_steps_as_its_formulas_in_numpy(self):
        rng = numpy.random.default_rng(0)
        label = rng.integers(0, 4, 600)
        x = 0.1 * rng.standard_normal((600, 9, 2))
        x[numpy.arange(600), rng.integers(1, 4, 600), label // 2] += 1  # which channel has the first of two pulses,
        x[numpy.arange(600), rng.integers(5, 8, 600), label % 2] += 1  # and which the second?
        with h5py.File(self.folder / "pulses.h5", "w") as file:
            file["x"], file["label"] = x, label
        self.write("gru.circuit", GRU)
        self.write("gru.toml", TRAINING.replace("differ.circuit", "gru.circuit").replace("bits.h5", "pulses.h5")
                   .replace("steps = 3", "steps = 9").replace("batch = 20", "batch = 32"))
        done = self.striate("train", "gru.toml", "-q", "--set", 'train.precision="double"')
        self.assertEqual(done.returncode, 0, done)
        with h5py.File(self.folder / "gru.h5") as file:
            self.assertGreater(file["curves/held_out_accuracy"][-1], 0.9)  # chance is 0.25
            p = {name: values[()] for name, values in file["parameters"].items()}
            sample, course = file["examples/data/x"][0], file["examples/courses/h"][0]
        sigmoid = lambda a: 1 / (1 + numpy.exp(-a))
        h = numpy.zeros(12)
        for n, row in enumerate(sample):
            r = sigmoid(p["W_r"] @ row + p["R_r"] @ h + p["b_r"])
            z = sigmoid(p["W_z"] @ row + p["R_z"] @ h + p["b_z"])
            h = (1 - z) * numpy.tanh(p["W_n"] @ row + p["b_n"] + r * (p["R_n"] @ h + p["c_n"])) + z * h
            # samples are held in float; what is recorded is in double
            numpy.testing.assert_allclose(course[n + 1], h, rtol=0, atol=1e-12)

    def test_samples_are_written_to_be_looked_at(self):
        self.assertEqual(self.striate("samples", "differ.toml", "--count", "5").returncode, 0)
        with h5py.File(self.folder / "differ_samples.h5") as sheet, h5py.File(self.folder / "bits.h5") as bits:
            numpy.testing.assert_allclose(sheet["first"], bits["first"][:5], rtol=1e-6)  # samples are held in float
        self.refused(["samples", "differ.toml"], "differ_samples.h5", "exists", "with --force.")
        self.bits(image=numpy.random.default_rng(0).random((6, 9, 12)), label=numpy.arange(6) % 2)
        self.write("seen.circuit", "circuit seen\ntime 1\naxis y = 9\naxis x = 12\naxis class = 2\ninput image[y, x] : 1\n"
                   "parameter w[class] = 0.1 1\nh(0) = 0\nnext(h) = image - h/2 : 1 [y, x]\nlogits := w*mean(h, y, x)\n")
        seen = ["--set", "circuit=seen.circuit", "--set", "train.held_out=2", "--set", "train.batch=4"]
        self.assertEqual(self.striate("samples", "differ.toml", *seen, "-o", "seen.h5").returncode, 0)
        drawn = self.striate("plot", "seen.h5", "-o", "seen.png")
        self.assertEqual(drawn.returncode, 0, drawn)

    def test_data_that_do_not_fit_are_refused_with_both_shapes(self):
        self.bits(first=numpy.zeros((200, 4)), second=numpy.zeros(200), label=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "variable 'first' has the shape [axis1=4]", "scalar")
        self.bits(first=numpy.zeros(200), second=numpy.zeros(190), label=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "'second' has 190 samples", "200", "data.variables")
        with h5py.File(self.folder / "bits.h5", "w") as file:
            file["day/first"] = numpy.zeros(200)
        self.refused(["train", "differ.toml"], "bits.h5", "lie in groups", "data.variables", "day/")
        self.bits(first=numpy.zeros(200), second=numpy.zeros(200), lable=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "no variable 'label'", "Closest: lable")

    def test_a_class_without_images_is_refused(self):
        for name in ("cats", "dogs", "eels"):
            (self.folder / "pets" / name).mkdir(parents=True)
        for name in ("cats", "eels"):
            (self.folder / "pets" / name / "a.pgm").write_bytes(b"P5 2 2 255\n" + bytes(4))
        self.write("differ.toml", TRAINING.replace('kind = "arrays"\nfile = "bits.h5"', 'kind = "images"\nfolder = "pets"'))
        self.refused(["train", "differ.toml"], "differ.toml:6: data.folder", "pets/dogs", "would be a class")

    def test_targets_that_the_loss_is_not_made_for_are_refused_before_anything_runs(self):
        zeros = numpy.zeros(200)
        for wrong, words in [(2, "is 2"), (-1, "is -1"), (0.5, "is 0.5")]:
            label = zeros.copy()
            label[7] = wrong
            self.bits(first=zeros, second=zeros, label=label)
            self.refused(["train", "differ.toml"], "differ.toml:4", "'label'", words, "in sample 7", "whole number from 0 to 1")
        label = numpy.zeros((200, 2))
        label[3, 1] = -0.5
        self.bits(first=zeros, second=zeros, label=label)
        self.refused(["train", "differ.toml", "--set", "loss.kind=binary_cross_entropy"], "-0.5 in sample 3", "from 0 to 1")
        self.refused(["train", "differ.toml", "--set", "loss.kind=poisson"], "-0.5 in sample 3", "from 0 to inf")
        for wrong in (numpy.nan, numpy.inf):
            first = zeros.copy()
            first[5] = wrong
            self.bits(first=first, second=zeros, label=zeros)
            self.refused(["train", "differ.toml"], "differ.toml:6", "'first'", str(wrong), "sample 5")

    def test_mistakes_are_refused(self):
        for setting, *words in [
                ("train.batch=300", "train.batch = 300", "160 samples"), ("train.batch=0", "from 1"), ("train.batch=2.5", "whole"),
                ("train.held_out=200", "200 samples in all"), ("train.steps=0", "from 1"), ("train.updates=-3", "from 0"),
                ("train.parameters=[]", "nothing would be trained"), ('train.parameters=["W", "Q"]', "no parameter 'Q'"),
                ('train.record=["hh"]', "'hh'", "Closest: h"), ("train.precision=half", "float", "double"),
                ("train.examples=50", "train.held_out = 40"), ("train.epochs=2", "updates are given as well"),
                ("train.patience=0.5", "whole"), ("train.seed=-1", "from 0"),
                ("optimiser.rate=-0.1", "optimiser.rate = -0.1"), ("optimiser.rate=nan", "nan"), ("optimiser.kind=sgd", "adamw"),
                ("optimiser.clip=-1", "optimiser.clip"), ("optimiser.kind=lbfgs", "L-BFGS takes all"), ("optimiser.memory=3", "optimiser.memory", "lbfgs"),
                ("loss.of=logit", "Closest: logits"), ("loss.target=labels", "Closest: label"), ("loss.axis=k", "no axis 'k'"),
                ("loss.kind=definition", "one number for each sample"), ('loss.metrics=["acc"]', "'acc'"), ("loss.at=each", "every step"),
                ("data.kind=pathfnder", "Closest: pathfinder"), ("data.file=gone.h5", "gone.h5")]:
            with self.subTest(setting=setting):
                self.refused(["train", "differ.toml", "--set", setting], *words)
        self.refused(["train", "differ.toml", "--set", "optimiser.kind=lbfgs", "--set", "train.batch=160"], "optimiser.rate", "adam")
        for table, *words in [
                ('[constraints]\nW = "postive"', "Closest: positive"), ('[constraints]\nw = "positive"', "'w'"),
                ('[constraints]\nW = "positive"', "-0.5", "Start it inside"), ("[constraints]\nW = { bounded = [1, -1] }", "run upwards"),
                ('[constraints]\nV = { symmetric = ["k", "class"] }', "axes of one length"), ('[constraints]\nW = { tied = "BB" }', "BB"),
                ('[gradient]\nmethod = "adjoint"', "bptt takes every circuit"), ('[gradient]\nmethod = "bptt"\npenalty = 10', "penalty", '"fixed_point"'),
                ('[gradient]\nmethod = "fixed_point"\nmemory_mib = 1', "memory_mib", '"bptt"'),
                ('[optimiser.schedule]\nkind = "cosine"\ninterval = 3', "interval", '"steps"'),
                ('[gradient]\nmethod = "fixed_point"\nsolver = "bicg"', "Known: neumann, gmres, anderson"),
                ('[discretise]\nscheme = "rk4"\nstep = "1 ms"', "a map already"), ('[optimiser.schedule]\nkind = "cosin"', "Closest: cosine"),
                ("[inputs]\nfrst = 2", "Closest: first"), ('[data.inputs]\nfirst = "frist"', "'frist'", "Closest: first"),
                ("[inputs]\nfirst = 2", "inputs.first = 2", "data of differ.toml:4", "variable 'first'"),
                ('[inputs]\nfirst = 2\n[data.inputs]\nfirst = "second"', "inputs.first = 2", "differ.toml:26", "variable 'second'")]:
            with self.subTest(table=table):
                self.write("differ.toml", TRAINING + table + "\n")
                self.refused(["train", "differ.toml"], "differ.toml:", *words)
        self.write("differ.toml", TRAINING)
        self.write("flow.circuit", CIRCUIT.replace("next(h) =", "dh/dt = -h +"))
        flow = ["train", "differ.toml", "--set", "circuit=flow.circuit"]
        self.refused(flow, "lacks [discretise]", "is a flow")
        self.refused([*flow, "--set", "discretise.scheme=rk5", "--set", "discretise.step=0.1"], "Closest: rk4")
        self.refused([*flow, "--set", "discretise.step=-0.1"], "step = -0.1")
        self.refused([*flow, "--set", 'discretise.step="1 mV"'], "discretise.step", "[mV]")
        self.refused(["train", "missing.toml"], "missing.toml")
        self.refused(["train", "differ.toml", "--set", "train.updates=0", "--set", "train.held_out=0"], "Set train.held_out")
        self.write("noisy.circuit", "circuit noisy\ntime 1\nparameter a = 1 1\nnoise xi ito\ninput first : 1\nx(0) = 0\ndx/dt = -a*x + first + xi : 1\n")
        noisy = ["--set", "circuit=noisy.circuit", "--set", "discretise.scheme=euler", "--set", "discretise.step=0.1",
                 "--set", "loss.kind=mean_square", "--set", "loss.of=x"]
        self.refused(["train", "differ.toml", *noisy], "noise 'xi'", "draws none", "xi = 0")
        batched = CIRCUIT.replace("axis k", "axis batch = 10\naxis k")
        self.write("batched.circuit", batched.replace("first :", "first[batch] :").replace("second :", "second[batch] :").replace("[k]\n", "[k, batch]\n"))
        self.refused(["train", "differ.toml", "--set", "circuit=batched.circuit", "--set", "train.held_out=35"], "held_out = 35", "10 samples together")
        penalised = ["--set", "gradient.method=fixed_point", "--set", "gradient.penalty=1", "--set", "train.together=3"]
        self.refused(["train", "differ.toml", *penalised], "train.together", "divide train.batch = 20")
        self.refused(["train", "differ.toml", "--set", "optimiser.rat=1"], "optimiser.rat", "Closest: rate")
        self.refused(["train", "differ.toml", "--set", "loss.kind=entropy"], "cross_entropy")
        self.refused(["train", "differ.toml", "--resume"], "differ.h5", "--resume")
        self.refused(["train", "differ.toml", "--resume", "--force"], "--resume keeps")
        self.assertEqual(self.striate("train", "differ.toml", "-q", "--set", "train.updates=2").returncode, 0)
        self.refused(["train", "differ.toml"], "exists", "--force")
        self.refused(["train", "differ.toml", "--resume"], "another experiment", "updates = 2", "updates = 300")

    def test_a_circuit_that_counts_its_steps_is_trained_through_as_many(self):
        self.write("counted.circuit", CIRCUIT.replace("axis k = 4", "axis k = 4\nconstant n = 2\nconstant steps = 2*n\naxis turn = steps")
                   .replace("h(0)", "parameter eta[turn] = 1 1\nh(0)"))
        counted = ["train", "differ.toml", "--set", "circuit=counted.circuit"]
        self.refused(counted, "differ.toml:14: train.steps = 3", "counted.circuit", "constant steps = 4", "settings.steps")
        self.refused([*counted, "--set", "settings.steps=2"], "differ.toml:14", "steps = 2 (--set settings.steps)")
        self.refused(["train", "differ.toml", "--set", "circuit=hgru"], "'hgru'", "constant steps = 8")
        for setting in ("settings.steps=3", "settings.n=1.5"):
            done = self.striate(*counted, "--set", setting, "--set", "train.updates=1", "-q", "--force")
            self.assertEqual(done.returncode, 0, done)

    def test_a_state_may_have_the_name_of_a_part_of_the_file(self):
        for name in ("n", "data", "courses"):
            self.write("named.circuit", CIRCUIT.replace("h(0)", f"{name}(0)").replace("next(h)", f"next({name})").replace("*h", f"*{name}"))
            arguments = ["train", "differ.toml", "--set", "circuit=named.circuit", "--set", "train.updates=2", "-o", "named.h5", "--force", "-q"]
            self.assertEqual(self.striate(*arguments).returncode, 0, name)
            with h5py.File(self.folder / "named.h5") as file:
                self.assertEqual(file[f"examples/courses/{name}"].shape, (4, 4, 4))
            self.assertEqual(self.striate("plot", "named.h5", "-o", "named.png").returncode, 0, name)
        self.write("named.circuit", CIRCUIT.replace("[k]", "[curves]").replace("axis k", "axis curves").replace("[k,", "[curves,").replace(", k)", ", curves)"))
        self.refused(["train", "differ.toml", "--set", "circuit=named.circuit"], "'curves'", "Rename it")

    def test_double_data_stay_double(self):
        self.write("same.circuit", "circuit same\ntime 1\ninput x : 1\nparameter w = 1 1\nnext(h) = w*x : 1\nloss := h\n")
        third = [1 / 3, 1e39]
        with h5py.File(self.folder / "same_data.h5", "w") as file:
            file["x"] = third
        self.write("same.toml", 'circuit = "same.circuit"\n[data]\nkind = "arrays"\nfile = "same_data.h5"\n[loss]\nkind = "definition"\n'
                   '[train]\nprecision = "double"\nupdates = 1\n[optimiser]\nkind = "lbfgs"\n')
        self.assertEqual(self.striate("train", "same.toml", "-q", "--set", "train.updates=0", "--set", "train.held_out=1", "--set",
                                      "optimiser.kind=adam").returncode, 0)
        with h5py.File(self.folder / "same.h5") as file:
            self.assertIn(file["curves/held_out_loss"][0], third)

    def test_a_penalised_fit_ends_where_loss_and_penalty_are_least(self):
        # h = x/(1 - w) with x = 1, wanted 2; the penalty 20 max(0, |w| - 0.2)^2: Newton's method below, on their sum.
        self.write("one.circuit", "circuit one\ntime 1\ninput x : 1\nparameter w = 0.1 1\nnext(h) = w*h + x : 1\n")
        with h5py.File(self.folder / "one_data.h5", "w") as file:
            file["x"], file["want"] = [1.0, 1.0], [2.0, 2.0]
        self.write("one.toml", 'circuit = "one.circuit"\n[data]\nkind = "arrays"\nfile = "one_data.h5"\n[loss]\nkind = "mean_square"\nof = "h"\n'
                   'target = "want"\n[train]\nsteps = 400\nupdates = 60\nprecision = "double"\n[gradient]\nmethod = "fixed_point"\n'
                   'tolerance = 1e-12\npenalty = 20\nthreshold = 0.2\n[optimiser]\nkind = "lbfgs"\n')
        self.assertEqual(self.striate("train", "one.toml", "-q").returncode, 0)
        w = 0.25
        for _ in range(50):
            h = 1 / (1 - w)
            slope = 2 * (h - 2) * h**2 + 40 * (w - 0.2)
            w -= slope / (2 * h**4 + 4 * (h - 2) * h**3 + 40)
        with h5py.File(self.folder / "one.h5") as file:
            self.assertAlmostEqual(file["parameters/w"][()], w, delta=1e-6)

    def test_a_fixed_point_beyond_single_precision_asks_for_double(self):
        self.write("one.circuit", "circuit one\ntime 1\naxis k = 8\ninput x : 1\nparameter w = 0.1 1\nnext(h) = tanh(w*h + 0.3*mean(h, k) + x) : 1 [k]\n"
                                  "m := mean(h, k)\n")
        with h5py.File(self.folder / "one_data.h5", "w") as file:
            file["x"], file["want"] = [1.0, 0.5], [2.0, 1.0]
        self.write("one.toml", 'circuit = "one.circuit"\n[data]\nkind = "arrays"\nfile = "one_data.h5"\n[loss]\nkind = "mean_square"\nof = "m"\n'
                   'target = "want"\n[train]\nsteps = 100\nupdates = 3\n[gradient]\nmethod = "fixed_point"\ntolerance = 1e-12\n')
        done = self.striate("train", "one.toml")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("double precision", done.stderr)
        self.assertNotIn("Allow more products", done.stderr)

    def test_constraints_hold_in_any_order_of_the_file(self):
        tied = ["B = { tied = \"A\" }", "A = { tied = \"b\" }", "b = { bounded = [-5, 5] }"]
        results = []
        for order in (tied, tied[::-1]):
            self.write("differ.toml", TRAINING + "[constraints]\n" + "\n".join(order) + "\n")
            self.assertEqual(self.striate("train", "differ.toml", "--set", "train.updates=3", "--force", "-q").returncode, 0)
            results.append(numbers(self.folder / "differ.h5")["parameters/B"])
            numpy.testing.assert_array_equal(results[-1], numbers(self.folder / "differ.h5")["parameters/b"])
        numpy.testing.assert_array_equal(*results)
        for constraints, *words in [("B = { tied = \"B\" }", "back to itself"), ("A = { tied = \"B\" }\nB = { tied = \"A\" }", "back to itself")]:
            self.write("differ.toml", TRAINING + "[constraints]\n" + constraints + "\n")
            self.refused(["train", "differ.toml"], "differ.toml:", *words)
        self.write("differ.toml", TRAINING + "[constraints]\nA = { tied = \"B\" }\n")
        self.refused(["train", "differ.toml", "--set", 'train.parameters=["A"]'], "'B' is not a parameter that is trained")

    def test_a_loss_that_is_not_a_number_stops_the_training(self):
        self.write("differ.circuit", CIRCUIT.replace("tanh(", "("))  # without bounds
        done = self.striate("train", "differ.toml", "--set", "optimiser.rate=1e5", "--set", "train.steps=9")
        self.assertEqual(done.returncode, 1, done)
        for word in ("in update 2", "the loss of sample", "|W| = ", "after 0 updates", "differ.h5"):
            self.assertIn(word, done.stderr)
        with h5py.File(self.folder / "differ.h5") as file:
            self.assertTrue(numpy.isfinite(file["parameters/W"]).all())


if __name__ == "__main__":
    unittest.main()
