"""Races Striate against SciPy on N oscillators with dense weights, t = 100, in one run.

    python3 bench/race_kuramoto.py build/release/bench/bench_kuramoto [N] [THREADS]

Both integrate the same weights, frequencies and phases; errors are the largest difference from one reference
(Dormand-Prince at 1e-11). SciPy's side is its RK45 with the sines and cosines of all units and two matrix products.
Medians of three runs. Processor time on one thread, wall time on more.
"""
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.integrate import solve_ivp


def race(program, n, threads):
    """SciPy's (seconds, error, evaluations), and ours as rows of (method, tolerance, seconds, error, evaluations)."""
    with tempfile.TemporaryDirectory() as folder:
        lines = subprocess.run([program, str(threads), folder, str(n)], check=True, capture_output=True, text=True).stdout
        read = lambda name: np.fromfile(f"{folder}/{name}.bin")
        W, omega, theta, reference = read("W").reshape(n, n), read("omega"), read("theta"), read("reference")
    ours = []
    for line in lines.splitlines():
        method, tolerance, seconds, _, _, error, evaluations, _ = line.replace(",", "").split()
        ours.append((method, tolerance, float(seconds), float(error), int(evaluations)))

    def rate(t, y):
        s, c = np.sin(y), np.cos(y)
        return omega + c * (W @ s) - s * (W @ c)

    clock = time.process_time if threads == 1 else time.perf_counter
    times = []
    for _ in range(3):
        start = clock()
        solution = solve_ivp(rate, (0, 100), theta, method="RK45", rtol=1e-6, atol=1e-6)
        times.append(clock() - start)
    return (statistics.median(times), np.abs(solution.y[:, -1] - reference).max(), solution.nfev), ours


if __name__ == "__main__":
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    theirs, rows = race(sys.argv[1], size, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    print(f"{'':16} {'tolerance':>10} {'seconds':>9} {'error':>10} {'evaluations':>12} {'ratio':>7}")
    print(f"{'scipy RK45':16} {'1e-06':>10} {theirs[0]:9.3f} {theirs[1]:10.2e} {theirs[2]:>12}")
    for method, tolerance, seconds, error, evaluations in rows:
        ratio = f"{theirs[0] / seconds:7.2f}" if error <= theirs[1] else "      -"
        print(f"striate {method:8} {tolerance:>10} {seconds:9.3f} {error:10.2e} {evaluations:>12} {ratio}")
