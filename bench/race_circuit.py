"""Races Striate against SciPy and PyTorch on the circuit of bench/near_far.circuit, 200 ms, in one run.

    python3 bench/race_circuit.py build/release/bench/bench_race_circuit [THREADS]

Every peer integrates the same equations from the same input; errors are the largest difference from one reference
(Dormand-Prince at 1e-11) at eight output times, most of them in the transient, relative to the largest state. A ratio compares a peer's median time with Striate's at an error no larger
than the peer's. PyTorch takes part where it can be imported.
"""
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.integrate import solve_ivp

CHANNELS, SIDE = 16, 64
TIMES = [5, 10, 20, 40, 70, 100, 150, 200]
TAU_E, TAU_I, G, A, B, U, W = 10.0, 15.0, 1.2, 0.8, 0.25, 0.5, 0.5


def gaussian(size, sd):
    d = np.arange(size) - size // 2
    k = np.exp(-0.5 * (d / sd) ** 2)
    return k / k.sum()


FAR, NEAR = gaussian(29, 6.0), gaussian(9, 2.0)


def mixing():
    d = np.arange(CHANNELS) - CHANNELS // 2
    k = np.exp(2.0 * np.cos(2 * np.pi * d / CHANNELS))
    k /= k.sum()
    m = np.zeros((CHANNELS, CHANNELS))
    for i in range(CHANNELS):
        for j, weight in enumerate(k):
            m[i, (i + j - CHANNELS // 2) % CHANNELS] += weight
    return m


def scipy_rate(x):
    from scipy.ndimage import correlate1d
    m = mixing()

    def separable(a, k):
        return correlate1d(correlate1d(a, k, axis=1, mode="constant"), k, axis=2, mode="constant")

    def rate(_, state):
        e, i = state.reshape(2, CHANNELS, SIDE, SIDE)
        far = separable(i, FAR) + U * i.mean(axis=0)
        near = separable(e, NEAR) + W * np.tensordot(m, e, axes=1)
        de = (np.maximum(G * x - (A * e + B) * far, 0) - e) / TAU_E
        di = (np.maximum(near, 0) - i) / TAU_I
        return np.concatenate([de.ravel(), di.ravel()])

    return rate


def median_seconds(run, repeats=5):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    return float(np.median(times)), result


def race_scipy(x, reference):
    rate = scipy_rate(x)
    y0 = np.zeros(2 * x.size)
    for tolerance in (1e-4, 1e-6):
        seconds, s = median_seconds(lambda: solve_ivp(rate, (0, 200), y0, method="RK45", rtol=tolerance, atol=tolerance / 10, t_eval=TIMES))
        error = np.abs(s.y.T - reference).max() / np.abs(reference).max()
        yield f"SciPy RK45 at {tolerance:g}", seconds, error, s.nfev


def race_torch(x, reference, threads):
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(threads)
    for dtype in (torch.float64, torch.float32):
        drive = torch.tensor(x, dtype=dtype)[:, None]
        m = torch.tensor(mixing(), dtype=dtype)
        kernels = {k: (torch.tensor(v, dtype=dtype).view(1, 1, -1, 1), torch.tensor(v, dtype=dtype).view(1, 1, 1, -1))
                   for k, v in (("far", FAR), ("near", NEAR))}

        def separable(a, name):
            ky, kx = kernels[name]
            a = torch.nn.functional.conv2d(a, ky, padding=(ky.shape[2] // 2, 0))
            return torch.nn.functional.conv2d(a, kx, padding=(0, kx.shape[3] // 2))

        def rate(e, i):
            far = separable(i, "far") + U * i.mean(dim=0, keepdim=True)
            near = separable(e, "near") + W * torch.einsum("ij,jkyx->ikyx", m, e)
            return (torch.relu(G * drive - (A * e + B) * far) - e) / TAU_E, (torch.relu(near) - i) / TAU_I

        def integrate(steps):
            h = 200.0 / steps
            e = torch.zeros_like(drive)
            i = torch.zeros_like(drive)
            outputs = []
            with torch.no_grad():
                for step in range(1, steps + 1):
                    e1, i1 = rate(e, i)
                    e2, i2 = rate(e + h / 2 * e1, i + h / 2 * i1)
                    e3, i3 = rate(e + h / 2 * e2, i + h / 2 * i2)
                    e4, i4 = rate(e + h * e3, i + h * i3)
                    e = e + h / 6 * (e1 + 2 * e2 + 2 * e3 + e4)
                    i = i + h / 6 * (i1 + 2 * i2 + 2 * i3 + i4)
                    if step * h in TIMES:
                        outputs.append(torch.cat([e.ravel(), i.ravel()]).numpy())
            return np.array(outputs)

        for steps in (40, 80, 160):
            seconds, y = median_seconds(lambda: integrate(steps))
            error = np.abs(y - reference).max() / np.abs(reference).max()
            yield f"PyTorch RK4, {steps} steps, {str(dtype)[6:]}", seconds, error, 4 * steps


def race(program, threads):
    """Our runs and the peers' runs, each as (name, seconds, error, evaluations)."""
    with tempfile.TemporaryDirectory() as folder:
        lines = subprocess.run([program, "bench/near_far.circuit", folder, str(threads)], check=True,
                               capture_output=True, text=True).stdout
        x = np.fromfile(folder + "/X.bin").reshape(CHANNELS, SIDE, SIDE)
        reference = np.fromfile(folder + "/reference.bin").reshape(len(TIMES), -1)
    ours = [(f"{n} at {t}", float(s), float(e), int(r)) for n, t, s, e, r in map(str.split, lines.splitlines())]
    return ours, [*race_scipy(x, reference), *race_torch(x, reference, threads)]


def fastest(ours, error):
    """Our fastest run that is no less exact; None where there is none."""
    return min((run for run in ours if run[2] <= error), key=lambda run: run[1], default=None)


def main():
    ours, peers = race(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for name, seconds, error, rhs in ours:
        print(f"Striate {name}: {seconds:.3f} s, error {error:.1e}, {rhs} evaluations")
    for peer, seconds, error, rhs in peers:
        print(f"{peer}: {seconds:.3f} s, error {error:.1e}, {rhs} evaluations", end="")
        run = fastest(ours, error)
        print(f"; Striate ({run[0]}) is {seconds / run[1]:.1f} times faster" if run else "; no run of Striate is as exact")


if __name__ == "__main__":
    main()
