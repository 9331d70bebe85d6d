"""What recording every state at 1 kHz costs, beside the same run that records nothing, and how long a small run takes.

    python3 bench/recording.py build/release/cli/striate [THREADS]
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

NEAR_FAR = """circuit = "{root}/bench/near_far.circuit"
[inputs]
X = "0.8"
[run]
method = "dp54"
tolerance = 1e-6
duration = "200 ms"
every = "1 ms"
record = [{record}]
"""
TILTED = """circuit = "{circuit}"
regime = "{regime}"
[settings]
feature = 25
y = 51
x = 51
[stimulus]
scale = "0.25 deg"
[[stimulus.layer]]
shape = "square"
size = "8 deg"
feature = "30 deg"
[[stimulus.layer]]
shape = "square"
size = "2 deg"
feature = "0 deg"
[encoder]
kind = "circular"
axis = "feature"
range = ["-90 deg", "90 deg"]
width = 0.40
normalise = "image"
[run]
method = "dp54"
tolerance = 1e-6
duration = "200 ms"
every = "1 ms"
record = [{record}]
"""
SMALL = """circuit = "fitzhugh_nagumo"
[run]
method = "dp54"
duration = "100 ms"
every = "1 ms"
record = ["v", "w"]
"""


LONG = SMALL.replace("100 ms", "20 s").replace('["v", "w"]', "[{record}]")


def seconds(striate, experiment, folder, threads, repeats):
    """Median wall time of `striate run` and the size of what it writes."""
    path, output = folder + "/experiment.toml", folder + "/recording.h5"
    with open(path, "w") as file:
        file.write(experiment)
    times = []
    for _ in range(repeats + 1):
        if os.path.exists(output):
            os.remove(output)
        start = time.perf_counter()
        subprocess.run([striate, "run", path, "-o", output, "-q", "--threads", str(threads)], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:]), os.path.getsize(output)


def start_up(striate, repeats=21):
    """Median seconds of `striate run` on a small circuit, from nothing to the file."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds(striate, SMALL, folder, 1, repeats)[0]


def plain_write(folder, size, repeats):
    """Median seconds in which write(2) takes so many bytes, in pieces of 512 KiB: what no recording can beat."""
    piece, path = os.urandom(512 << 10), folder + "/plain"
    times = []
    for _ in range(repeats + 1):
        if os.path.exists(path):
            os.remove(path)
        start = time.perf_counter()
        file = os.open(path, os.O_CREAT | os.O_WRONLY)
        for begin in range(0, size, len(piece)):
            os.write(file, piece[: size - begin])
        os.close(file)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def cases():
    """(name, experiment with a place for what is recorded, the states)"""
    near_far = NEAR_FAR.format(root=os.path.abspath("."), record="{record}")
    yield "near_far, 131072 states, 200 ms", near_far, '"E", "I"'
    for circuit, regime, states in (("contextual", "paper", '"I", "O"'), ("crf_ecrf", "divisive_ratio", '"H1", "H2"')):
        yield (f"{circuit}, 130050 states, 200 ms",
               TILTED.format(circuit=circuit, regime=regime, record="{record}"), states)
    yield "fitzhugh_nagumo, 2 states, 20 s", LONG, '"v", "w"'


def recording(striate, threads, repeats=5):
    """(circuit, seconds without, seconds with, bytes written, seconds of writing so many) by circuit"""
    with tempfile.TemporaryDirectory() as folder:
        for name, text, states in cases():
            without, _ = seconds(striate, text.format(record=""), folder, threads, repeats)
            with_all, size = seconds(striate, text.format(record=states), folder, threads, repeats)
            yield name, without, with_all, size, plain_write(folder, size, repeats)


if __name__ == "__main__":
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print(f"a small run: {start_up(program) * 1e3:.0f} ms")
    for circuit, without, with_all, size, plain in recording(program, count):
        print(f"{circuit}: {without:.3f} s, with {size / 2**20:.1f} MiB of recording {with_all:.3f} s,"
              f" {100 * (with_all / without - 1):.0f} % more; write(2) alone {plain:.3f} s,"
              f" {100 * plain / without:.0f} %")
