"""Trainings at the command line: a kill loses nothing, mistakes say what is wrong, and the picture is drawn.

Usage: test_training.py PATH_OF_STRIATE
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy

STRIATE = sys.argv.pop(1)
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


def numbers(path):
    """Every array of numbers in a file, by path."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu":
            found[name] = node[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


class Trainings(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.write("differ.circuit", CIRCUIT)
        self.write("differ.toml", TRAINING)
        rng = numpy.random.default_rng(1)
        first, second = rng.integers(0, 2, (2, 200)).astype(float)
        self.bits(first=first + 0.1 * rng.standard_normal(200), second=second + 0.1 * rng.standard_normal(200),
                  label=(first != second).astype(float))

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def bits(self, **variables):
        with h5py.File(self.folder / "bits.h5", "w") as file:
            for name, values in variables.items():
                file[name] = values

    def striate(self, *arguments):
        return subprocess.run([STRIATE, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120)

    def refused(self, arguments, *words):
        """Exit code 2, one line with all the words, and no file more."""
        before = sorted(self.folder.iterdir())
        done = self.striate(*arguments)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(sorted(self.folder.iterdir()), before)

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
            self.assertEqual(file["examples/h"].shape, (4, 4, 4))
        drawn = self.striate("plot", "differ.h5", "-o", "differ.png")
        self.assertEqual(drawn.returncode, 0, drawn)
        self.assertGreater((self.folder / "differ.png").stat().st_size, 20000)

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

    @staticmethod
    def done(path):
        with h5py.File(path, "r") as file:
            return file["checkpoint"].attrs["updates"]

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

    def test_samples_are_written_to_be_looked_at(self):
        self.assertEqual(self.striate("samples", "differ.toml", "--count", "5").returncode, 0)
        with h5py.File(self.folder / "differ_samples.h5") as sheet, h5py.File(self.folder / "bits.h5") as bits:
            numpy.testing.assert_allclose(sheet["first"], bits["first"][:5], rtol=1e-6)  # samples are held in float
        self.refused(["samples", "differ.toml"], "differ_samples.h5", "exists")

    def test_data_that_do_not_fit_are_refused_with_both_shapes(self):
        self.bits(first=numpy.zeros((200, 4)), second=numpy.zeros(200), label=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "variable 'first' has the shape [axis1=4]", "scalar")
        self.bits(first=numpy.zeros(200), second=numpy.zeros(190), label=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "'second' has 190 samples", "200")
        self.bits(first=numpy.zeros(200), second=numpy.zeros(200), lable=numpy.zeros(200))
        self.refused(["train", "differ.toml"], "no variable 'label'", "Closest: lable")

    def test_mistakes_are_refused(self):
        self.refused(["train", "missing.toml"], "missing.toml")
        self.refused(["train", "differ.toml", "--set", "optimiser.rat=1"], "optimiser.rat", "Closest: rate")
        self.refused(["train", "differ.toml", "--set", "loss.kind=entropy"], "cross_entropy")
        self.refused(["train", "differ.toml", "--resume"], "differ.h5", "--resume")
        self.refused(["train", "differ.toml", "--resume", "--force"], "--resume keeps")
        self.assertEqual(self.striate("train", "differ.toml", "-q", "--set", "train.updates=2").returncode, 0)
        self.refused(["train", "differ.toml"], "exists", "--force")
        self.refused(["train", "differ.toml", "--resume"], "another experiment", "updates = 2", "updates = 300")

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
