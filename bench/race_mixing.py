"""Races Striate against PyTorch on one kernel of 29 x 29 that mixes 16 channels of 64 x 64, in double.

    python3 bench/race_mixing.py build/release/bench/bench_mixing [THREADS]
"""
import subprocess
import sys
import tempfile
import time

import numpy as np


def race(program, threads):
    """(our algorithm, our seconds, PyTorch's seconds or None, largest difference relative to the largest value or None)"""
    with tempfile.TemporaryDirectory() as folder:
        line = subprocess.run([program, folder, str(threads)], check=True, capture_output=True, text=True).stdout
        kernel = np.fromfile(folder + "/kernel.bin").reshape(16, 16, 29, 29)
        x, out = (np.fromfile(f"{folder}/{name}.bin").reshape(1, 16, 64, 64) for name in ("in", "out"))
    algorithm, ms = line.split()
    try:
        import torch
    except ImportError:
        return algorithm, float(ms) / 1e3, None, None
    torch.set_num_threads(threads)
    weight, data = torch.tensor(kernel), torch.tensor(x)
    times = []
    with torch.no_grad():
        for _ in range(6):
            start = time.perf_counter()
            theirs = torch.nn.functional.conv2d(data, weight, padding=14)
            times.append(time.perf_counter() - start)
    difference = np.abs(theirs.numpy() - out).max() / np.abs(out).max()
    return algorithm, float(ms) / 1e3, float(np.median(times[1:])), difference


if __name__ == "__main__":
    ours = race(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(f"Striate, {ours[0]}: {ours[1] * 1e3:.2f} ms")
    if ours[2]:
        print(f"PyTorch: {ours[2] * 1e3:.1f} ms, {ours[2] / ours[1]:.1f} times as long; they differ by {ours[3]:.0e}")
    else:
        print("PyTorch cannot be imported here.")
