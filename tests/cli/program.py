"""Runs the program `striate`, whose path is the test's first argument, in a folder of its own."""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

STRIATE = os.path.abspath(sys.argv.pop(1))
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
os.environ.pop("STRIATE_PYTHON", None)

EXPERIMENT = """title = "Excitable unit"
circuit = "fitzhugh_nagumo"

[run]
method = "rk4"
duration = "50 ms"
step = "0.05 ms"
every = "1 ms"
"""

CIRCUIT = """circuit leaky "one leaky unit"
time ms
axis unit = 3
parameter tau = 10 ms in (0, inf) "time constant"
parameter E = -70 mV "rest"
V(0) = -60 mV
dV/dt = (E - V)/tau : mV "membrane potential"
"""


class Program(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.write("unit.toml", EXPERIMENT)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def striate(self, *arguments, **more):
        return subprocess.run([STRIATE, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, **more)

    def on_a_full_disk(self, limit, *arguments):
        """With files of at most so many bytes."""
        if b"__tsan_init" in pathlib.Path(STRIATE).read_bytes():
            self.skipTest("the thread sanitizer's own memory is a file beyond any limit")
        return self.striate(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))

    def refused(self, arguments, *words):
        """Exit code 2, one line with all the words, and no file more or less."""
        before = {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}
        done = self.striate(*arguments)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual(done.stderr.strip().count("\n"), 0, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(before, {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()})
