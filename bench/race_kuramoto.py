"""Races Striate against SciPy on N oscillators with dense weights, t = 100, in one run.

    python3 bench/race_kuramoto.py build/release/bench/bench_kuramoto [N] [THREADS]

Both integrate the same weights, frequencies and phases; errors are the largest difference from one reference
(Dormand-Prince at 1e-11). SciPy's side is its RK45 with the sines and cosines of all units and two matrix products.
"""
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.integrate import solve_ivp

program = sys.argv[1]
n = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
threads = sys.argv[3] if len(sys.argv) > 3 else "1"

with tempfile.TemporaryDirectory() as folder:
    ours = subprocess.run([program, threads, folder, str(n)], check=True, capture_output=True, text=True).stdout
    read = lambda name: np.fromfile(f"{folder}/{name}.bin")
    W, omega, theta, reference = read("W").reshape(n, n), read("omega"), read("theta"), read("reference")

rows = []
for line in ours.splitlines():
    method, tolerance, seconds, _, _, error, evaluations, _ = line.replace(",", "").split()
    rows.append((float(error), float(seconds), f"striate {method}", tolerance, evaluations))


def rate(t, y):
    s, c = np.sin(y), np.cos(y)
    return omega + c * (W @ s) - s * (W @ c)


tolerance = 1e-6
times = []
for _ in range(3):
    start = time.process_time() if threads == "1" else time.perf_counter()
    solution = solve_ivp(rate, (0, 100), theta, method="RK45", rtol=tolerance, atol=tolerance)
    times.append((time.process_time() if threads == "1" else time.perf_counter()) - start)
theirs = (np.abs(solution.y[:, -1] - reference).max(), sorted(times)[1], "scipy RK45", f"{tolerance:g}", str(solution.nfev))

print(f"{'':16} {'tolerance':>10} {'seconds':>9} {'error':>10} {'evaluations':>12} {'ratio':>7}")
for error, seconds, name, tolerance, evaluations in [theirs] + rows:
    ratio = f"{theirs[1] / seconds:7.2f}" if error <= theirs[0] else "      -"
    print(f"{name:16} {tolerance:>10} {seconds:9.3f} {error:10.2e} {evaluations:>12} {ratio}")
