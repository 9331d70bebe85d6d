"""Races Striate against XPPAUT on 100 oscillators, all to all, with a second harmonic, in one run.

    python3 bench/race_xppaut.py build/release/cli/striate

The same equations (H(x) = sin(x + a) - sin(a) + b sin(2x), frequencies i/100), Runge-Kutta 4 with steps of 0.05 to t = 200,
one thread; processor time of the whole programs, medians of five. XPPAUT is the package of Debian; without it nothing is raced.
"""
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

N, DURATION, STEP = 100, 200, 0.05

ODE = f"""par a=0.5,b=0.2,k=1
h(x)=sin(x+a)-sin(a)+b*sin(2*x)
th[1..{N}]'=[j]/{N}+k*sum(0,{N - 1})of(h(shift(th1,i')-th[j]))/{N}
init th[1..{N}]={{start}}
@ total={DURATION},dt={STEP},meth=runge,nout={round(DURATION / STEP)},maxstor=10000,bound=100000
done
"""

EXPERIMENT = f"""circuit = "kuramoto"
[settings]
unit = {N}
[parameters]
K = "1 1/s"
alpha = -0.5
b = 0.2
centred = 1
gamma = "0 1/s"
detuning = {[f"{(i + 1) / N} 1/s" for i in range(N)]}
scatter = 0
theta_start = {{start}}
[run]
method = "rk4"
step = "{STEP} s"
duration = "{DURATION} s"
every = "{DURATION} s"
"""


def start():
    return [round(2 * np.pi * ((0.6180339887498949 * i) % 1), 12) for i in range(N)]


def processor_seconds(command, folder):
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return float(np.median(times))


def race(striate):
    """(our seconds, XPPAUT's, largest difference of the phases at the end), or None without XPPAUT."""
    peer = shutil.which("xppaut")
    if not peer:
        return None
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "k.toml").write_text(EXPERIMENT.replace("{start}", str(start())))
        lines = ODE.splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("init"))
        lines[at : at + 1] = [f"init th{i + 1}={x}" for i, x in enumerate(start())]
        Path(folder, "k.ode").write_text("\n".join(lines) + "\n")
        ours = processor_seconds([str(Path(striate).resolve()), "run", "k.toml", "-o", "k.h5", "--force", "-q", "--threads", "1"], folder)
        theirs = processor_seconds([peer, "k.ode", "-silent"], folder)
        with h5py.File(Path(folder, "k.h5")) as file:
            y = file["theta"][-1]
        x = np.loadtxt(Path(folder, "output.dat"))[-1, 1:]
    return ours, theirs, float(np.abs((x - y + np.pi) % (2 * np.pi) - np.pi).max())


if __name__ == "__main__":
    found = race(sys.argv[1])
    if found:
        print(f"Striate {found[0]:.3f} s, XPPAUT {found[1]:.3f} s: {found[1] / found[0]:.1f} times; they differ by {found[2]:.1e}")
    else:
        print("XPPAUT is not here.")
