"""Races Striate against PyTorch on training steps: the reference hGRU, and a rate network over 1,000 Runge-Kutta steps.

    python3 bench/race_training.py build/release/bench/bench_training_step [THREADS]

One step is the way forward, and back to the gradient towards all parameters. Both sides take the same parameters and inputs,
and every measurement runs in a process of its own, so that the memory by which it grows is its own.
"""
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

RACES = [("hGRU, 25 channels, 15 x 15, 8 steps, 150 x 150, batch 2, float", (5, "hgru", 150, 2)),
         ("the same, 64 x 64, batch 8", (5, "hgru", 64, 8)),
         ("100 rate units, 1,000 steps of rk4, double", (25, "network"))]


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def parts(flat, *shapes):
    """Leaves of the tape, one after another from the flat parameters."""
    import torch

    at, made = 0, []
    for shape in shapes:
        size = int(np.prod(shape))
        made.append(torch.tensor(flat[at : at + size].reshape(shape), requires_grad=True))
        at += size
    return made


def hgru(folder, side, images, K=25, kernel=15, steps=8):
    """(parameters in the order of the model's file, loss) of hgru.circuit."""
    import torch
    from torch.nn.functional import conv2d

    p = parts(np.fromfile(folder / "p.bin", np.float32), (K, 7, 7), K, (K, K, kernel, kernel), (K, K), (K, K), K, K, *[(K, 1, 1)] * 5,
              steps)
    F, f, W, U1, U2, b1, b2, alpha, mu, gamma, kappa, omega, eta = p
    image = torch.tensor(np.fromfile(folder / "u.bin", np.float32).reshape(images, 1, side, side))

    def loss():
        X = conv2d(image, F[:, None], f, padding=3) ** 2
        S = (W + W.transpose(0, 1)) / 2
        h = torch.zeros(images, K, side, side)
        for t in range(steps):
            G1 = torch.sigmoid(conv2d(h, U1[:, :, None, None], b1))
            H1 = torch.tanh(X - (alpha * h + mu) * conv2d(G1 * h, S, padding=kernel // 2))
            G2 = torch.sigmoid(conv2d(H1, U2[:, :, None, None], b2))
            E = gamma * conv2d(H1, S, padding=kernel // 2)
            h = eta[t] * (G2 * h + (1 - G2) * torch.tanh(kappa * (H1 + E) + omega * H1 * E))
        return 1e-3 * h.sum()

    return p, loss


def network(folder, units=100, steps=1000, dt=0.05):
    p = parts(np.fromfile(folder / "p.bin"), (units, units), units, units)
    W, drive, start = p

    def rate(r):
        return -r + (W @ r + drive).tanh()

    def loss():
        r = start
        for _ in range(steps):
            k1 = rate(r)
            k2 = rate(r + dt / 2 * k1)
            k3 = rate(r + dt / 2 * k2)
            k4 = rate(r + dt * k3)
            r = r + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return (r * r).sum()

    return p, loss


def theirs(threads, folder, repeats, name, *sizes):
    """PyTorch's median seconds, memory, and how far its gradient lies from ours, relative to the largest element."""
    import torch

    torch.set_num_threads(threads)
    parameters, loss = globals()[name](folder, *sizes)
    before, times = peak_mib(), []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        gradient = torch.autograd.grad(loss(), parameters)
        times.append(time.perf_counter() - start)
    flat = np.concatenate([g.numpy().ravel() for g in gradient])
    ours = np.fromfile(folder / "gradient.bin", flat.dtype)[: flat.size]
    return {"seconds": statistics.median(times[1:]), "mib": peak_mib() - before,
            "difference": float(np.abs(flat - ours).max() / np.abs(flat).max())}


def race(program, threads):
    """(what, our {seconds, mib}, PyTorch's with its difference, or None) of each race."""
    for what, race in RACES:
        with tempfile.TemporaryDirectory() as folder:
            arguments = [str(threads), folder, *map(str, race)]
            us = json.loads(subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout)
            run = subprocess.run([sys.executable, __file__, "--torch", *arguments], capture_output=True, text=True)
        if run.returncode and "No module named 'torch'" not in run.stderr:
            raise RuntimeError(run.stderr)
        yield what, us, None if run.returncode else json.loads(run.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "--torch":
        threads, folder, repeats, name, *sizes = sys.argv[2:]
        print(json.dumps(theirs(int(threads), pathlib.Path(folder), int(repeats), name, *map(int, sizes))))
        sys.exit()
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for what, us, them in race(sys.argv[1], threads):
        print(f"{what}: {us['seconds']:.4f} s, {us['mib']:.0f} MiB", flush=True)
        if them:
            print(f"  PyTorch: {them['seconds']:.3f} s, {them['mib']:.0f} MiB: {them['seconds'] / us['seconds']:.1f} times the time, "
                  f"{them['mib'] / us['mib']:.1f} times the memory; gradients differ by {them['difference']:.0e}", flush=True)
