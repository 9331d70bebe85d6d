"""Striate beside Brian2's C++ standalone mode on networks of spiking neurons, in one run: seconds for a second of their time at 0.1 ms.

    python3 bench/race_spikes.py [build/release] [--threads 1]     with brian2 from PyPI, and a C++ compiler

Both run the same neurons with as many synapses, drawn anew, and count every spike; what is timed is the run alone, not its
preparation. Brian2 has -O3 -march=native -ffast-math, and double or single precision, whichever is faster.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 3

# What stands in Striate's model files, in Brian2's words.
COBA = """dv/dt = (g_l*(e_l - v) + ge*(0*mV - v) + gi*(-80*mV - v) + current)/c_m : volt (unless refractory)
dge/dt = -ge/(5*ms) : siemens
dgi/dt = -gi/(10*ms) : siemens"""
COBAHH = """dv/dt = (g_l*(e_l - v) + ge*(0*mV - v) + gi*(-80*mV - v) + 20*usiemens*m**3*h*(50*mV - v) + 6*usiemens*n**4*(-90*mV - v))/c_m : volt
dm/dt = alpham*(1 - m) - betam*m : 1
dn/dt = alphan*(1 - n) - betan*n : 1
dh/dt = alphah*(1 - h) - betah*h : 1
dge/dt = -ge/(5*ms) : siemens
dgi/dt = -gi/(10*ms) : siemens
x = v/mV + 63 : 1
alpham = 0.32*4/exprel((13 - x)/4)/ms : Hz
betam = 0.28*5/exprel((x - 40)/5)/ms : Hz
alphah = 0.128*exp((17 - x)/18)/ms : Hz
betah = 4/(1 + exp((40 - x)/5))/ms : Hz
alphan = 0.032*5/exprel((15 - x)/5)/ms : Hz
betan = 0.5*exp((10 - x)/40)/ms : Hz"""


def brian(model, n, threads, single):
    """Seconds of each run, mean rate [Hz] and CV of intervals of the last; in a process of its own."""
    import brian2 as b
    import numpy as np
    b.prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-march=native", "-ffast-math", "-std=c++17"]
    b.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    if single:
        b.prefs.core.default_float_dtype = np.float32
    with tempfile.TemporaryDirectory() as folder:
        b.set_device("cpp_standalone", build_on_run=False)
        b.seed(1)
        b.defaultclock.dt = 0.1 * b.ms
        space = {"g_l": 10 * b.nS, "e_l": -60 * b.mV, "c_m": 200 * b.pF, "current": 120 * b.pA}
        if model == "coba":
            g = b.NeuronGroup(n, COBA, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms,
                              method="exponential_euler", namespace=space)
            g.v = "-60*mV + rand()*10*mV"
        else:
            g = b.NeuronGroup(n, COBAHH, threshold="v > -20*mV", refractory=3 * b.ms, method="exponential_euler", namespace=space)
            g.v, g.h = "-65*mV + randn()*5*mV", 1
        g.ge, g.gi = "(40 + 15*randn())*nS", "(200 + 120*randn())*nS"
        parts = []
        for name, weight, own in (("ge", 6, g[:4 * n // 5]), ("gi", 67, g[4 * n // 5:])):
            s = b.Synapses(own, g, on_pre=f"{name} += {weight}*nS", delay=0.1 * b.ms)
            s.connect(p=80 / n)
            parts.append(s)
        spikes = b.SpikeMonitor(g)
        b.Network(g, *parts, spikes).run(1 * b.second)
        b.device.build(directory=folder, compile=True, run=False)
        seconds = []
        for _ in range(RUNS):
            b.device.run(with_output=False)
            seconds.append(b.device._last_run_time)
        t, i = spikes.t / b.ms, np.array(spikes.i)
        t, i = t[t > 200], i[t > 200]
        order = np.lexsort((t, i))
        intervals = [np.diff(x) for x in np.split(t[order], np.flatnonzero(np.diff(i[order])) + 1) if len(x) >= 5]
        print(json.dumps({"run_s": statistics.median(seconds), "rate_hz": len(t) / n / 0.8,
                          "cv": float(np.mean([x.std() / x.mean() for x in intervals]))}))


def fastest_brian(model, n, threads):
    """Brian2's better precision; nothing where it cannot be imported."""
    if importlib.util.find_spec("brian2") is None:
        return None
    found = []
    for precision in ("double", "single"):
        out = subprocess.run([sys.executable, __file__, "--brian", model, str(n), str(threads), precision],
                             capture_output=True, text=True)
        if out.returncode == 0:
            found.append({**json.loads(out.stdout.splitlines()[-1]), "precision": precision})
    return min(found, key=lambda f: f["run_s"], default=None)


def striate(program, words, threads, code="blocks"):
    """What bench_spikes prints, as numbers."""
    out = subprocess.run([program, *words], check=True, capture_output=True, text=True,
                         env={**os.environ, "OMP_NUM_THREADS": str(threads), "STRIATE_CODE": code}).stdout
    return {name: float(value) for name, value in (line.split() for line in out.splitlines())}


RACES = [("COBA with 120 pA, 4,000 neurons", "coba", 4000, ["N=4000", "p=0.02", "regime=driven"]),
         ("COBA with 120 pA, 40,000 neurons", "coba", 40000, ["N=40000", "p=0.002", "regime=driven"]),
         ("COBAHH, 4,000 neurons", "cobahh", 4000, ["N=4000", "p=0.02"])]


def race(program, threads):
    """For each network: its name, Striate's ways (code, precision, numbers), and Brian2's numbers."""
    for name, model, n, settings in RACES:
        ours = [(code, precision, striate(program, [model, "exponential_euler", precision, str(RUNS), *settings], threads, code))
                for code in ("blocks", "generated") for precision in ("double", "single")]
        yield name, ours, fastest_brian(model, n, threads)


def growth(program, threads, sizes=(1000, 4000, 20000, 100000, 500000), code="generated"):
    for n in sizes:
        yield n, striate(program, ["coba", "exponential_euler", "single", "3" if n < 100000 else "1", f"N={n}", f"p={80 / n}", "regime=driven"],
                         threads, code)


def fibres(program, threads, code="generated"):
    return striate(program, ["horizontal_fibres", "euler", "single", "1"], threads, code)


def main():
    if sys.argv[1:2] == ["--brian"]:
        return brian(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "single")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", type=Path, default=Path("build/release"))
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    for name, ours, peer in race(str(given.build / "bench/bench_spikes"), given.threads):
        print(f"{name}; {given.threads} thread(s)")
        for code, precision, found in ours:
            faster = f", {peer['run_s'] / found['run_s']:.1f} times faster" if peer else ""
            print(f"  Striate {code:9} {precision}: {found['run_s']:.4f} s, {found['rate_hz']:.1f} Hz, CV {found['cv']:.2f}{faster}")
        if peer:
            print(f"  Brian2 {peer['precision']}: {peer['run_s']:.4f} s, {peer['rate_hz']:.1f} Hz, CV {peer['cv']:.2f}")


if __name__ == "__main__":
    main()
