"""Runs every race and writes what it measured to docs/performance.md.

    cmake --build --preset release --target bench
    python3 bench/run_all.py [build/release] [--threads 1,2]

Peers are raced where they can be imported: SciPy, and PyTorch (`pip install torch`). Nothing here passes or fails.
"""
import argparse
import importlib
import json
import os
import subprocess
from pathlib import Path

import race_circuit
import race_kuramoto
import race_mixing
import race_netsim
import race_spikes
import race_training
import race_xppaut
import recording

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{name}, {sum(line.startswith('processor') for line in lines)} cores"


def version(module):
    try:
        return importlib.import_module(module).__version__.split("+")[0]
    except ImportError:
        return None


def thread_name(n):
    return f"{n} thread" + ("s" if n > 1 else "")


def races(build, threads):
    for n in threads:
        ours, peers = race_circuit.race(str(build / "bench/bench_race_circuit"), n)
        yield f"\n{thread_name(n).capitalize()}:\n"
        yield "| peer | s | error | evaluations | Striate no less exact | s | error | evaluations | times faster |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
        for peer, seconds, error, rhs in peers:
            run = race_circuit.fastest(ours, error)
            us = (f"{run[0]} | {run[1]:.3f} | {run[2]:.1e} | {run[3]} | **{seconds / run[1]:.1f}**"
                  if run else "none | | | | ")
            yield f"| {peer} | {seconds:.3f} | {error:.1e} | {rhs} | {us} |"


def mixing(build, threads):
    yield "\n| threads | Striate | ms | PyTorch's dense convolution, ms | times faster | largest difference |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for n in threads:
        algorithm, ours, theirs, difference = race_mixing.race(str(build / "bench/bench_mixing"), n)
        peer = f"{theirs * 1e3:.1f} | **{theirs / ours:.1f}** | {difference:.0e}" if theirs else "not here | | "
        yield f"| {n} | {algorithm} | {ours * 1e3:.2f} | {peer} |"


def training(build, threads):
    yield "\n| threads | training step | Striate, s | MiB | PyTorch, s | MiB | times faster | memory, part of PyTorch's | largest difference |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        for what, us, them in race_training.race(str(build / "bench/bench_training_step"), n):
            peer = (f"{them['seconds']:.3f} | {them['mib']:.0f} | **{them['seconds'] / us['seconds']:.1f}** |"
                    f" {us['mib'] / them['mib']:.2f} | {them['difference']:.0e}") if them else "not here | | | | "
            yield f"| {n} | {what} | {us['seconds']:.4f} | {us['mib']:.0f} | {peer} |"


def floors(build, threads):
    yield ("\n| threads | evaluation, ms | arithmetic floor, ms | memory floor, ms | times the larger | it is bound by"
           " | peak, G multiply-adds/s | bandwidth, GB/s |")
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        out = subprocess.run([build / "bench/bench_rhs", "bench/near_far.circuit", str(n)], check=True,
                             capture_output=True, text=True).stdout
        v = dict(line.split() for line in out.splitlines())
        rhs, work, memory = (float(v[k]) for k in ("rhs_ms", "arithmetic_floor_ms", "memory_floor_ms"))
        yield (f"| {n} | {rhs:.3f} | {work:.3f} | {memory:.3f} | **{rhs / max(work, memory):.1f}** |"
               f" {'arithmetic' if work > memory else 'memory'} | {v['peak_gfma_per_s']} | {v['bandwidth_gb_per_s']} |")


def oscillators(build, threads):
    program = str(build / "bench/bench_kuramoto")
    for n in threads:
        lines = subprocess.run([program, str(n)], check=True, capture_output=True, text=True).stdout.splitlines()
        yield from (f"- {thread_name(n)}: {line}" for line in lines)
    yield "\n| threads | SciPy's RK45, s | error | evaluations | Striate no less exact | s | error | evaluations | times faster |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        (seconds, error, evaluations), ours = race_kuramoto.race(program, 5000, n)
        for rows in ([row for row in ours if row[0].endswith("+single") == single] for single in (False, True)):
            best = min((row for row in rows if row[3] <= error), key=lambda row: row[2], default=None)
            us = (f"{best[0]} at {best[1]} | {best[2]:.1f} | {best[3]:.1e} | {best[4]} | **{seconds / best[2]:.1f}**" if best
                  else "none | | | | ")
            yield f"| {n} | {seconds:.1f} | {error:.1e} | {evaluations} | {us} |"
    found = race_xppaut.race(build / "cli/striate")
    yield "\n100 oscillators, all to all with a second harmonic, 4000 steps of RK4, whole programs: " + (
        f"Striate {found[0]:.3f} s, XPPAUT {found[1]:.2f} s, **{found[1] / found[0]:.0f}** times; the phases differ by {found[2]:.0e}."
        if found else "XPPAUT is not here.")


def spiking(build, threads):
    yield ("`bench/race_spikes.py`: a second at 0.1 ms on a grid, medians of three runs, beside Brian2's C++ standalone mode with -O3"
           " -march=native -ffast-math in its better precision.")
    program = str(build / "bench/bench_spikes")
    yield ("\n| network | threads | Striate, s: blocks | blocks, single | generated | generated, single | Hz, CV | Brian2, s | Hz, CV |"
           " times faster |")
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        for name, ours, peer in race_spikes.race(program, n):
            fastest = min(found["run_s"] for _, _, found in ours)
            found = ours[-1][2]
            them = (f"{peer['run_s']:.3f} ({peer['precision']}) | {peer['rate_hz']:.1f}, {peer['cv']:.2f} | **{peer['run_s'] / fastest:.1f}**"
                    if peer else "not here | | ")
            yield (f"| {name} | {n} | " + " | ".join(f"{f['run_s']:.4f}" for _, _, f in ours) +
                   f" | {found['rate_hz']:.1f}, {found['cv']:.2f} | {them} |")
    yield ("\nGrowth of COBA with 80 inputs a neuron, generated code in single precision, one thread; the floor is one pass over state, arrivals"
           " and the synapses used, at the bandwidth of a triad of that size:\n")
    yield "| neurons | preparation, s | s | Hz | 1e6 events a second | bytes a synapse | floor, s |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for n, f in race_spikes.growth(program, 1):
        yield (f"| {n:,} | {f['build_s']:.2f} | {f['run_s']:.3f} | {f['rate_hz']:.1f} | {f['events'] / f['run_s'] / 1e6:.0f} |"
               f" {f['bytes_per_synapse']:.2f} | {f['floor_s']:.3f} |")
    f = race_spikes.fibres(program, threads[-1])
    yield (f"\nThe sheet of `horizontal_fibres`, 112,500 neurons and {f['synapses'] / 1e6:.0f} million synapses of {f['bytes_per_synapse']:.1f} bytes with delays"
           f" of their own: a second at {f['rate_hz']:.1f} Hz after {f['build_s']:.1f} s of preparation; medians of five.")
    yield from race_netsim.lines(program, threads)


def lines_of(program, *arguments, **environment):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True,
                          env={**os.environ, **environment}).stdout.splitlines()


def circuit_of_grids(build, threads):
    yield ("`bench/near_far.circuit`: 64 x 64 positions, 16 channels, Gaussian near excitation (9 x 9) and far inhibition"
           " (29 x 29), circular mixing over channels, rectified; 200 ms from rest. Every peer integrates the same equations"
           " with separable filters. The error is the largest at eight times, most of them in the transient, relative to"
           " the largest state, against Dormand-Prince at 1e-11.")
    yield from races(build, threads)


def training_steps(build, threads):
    yield ("Forward, and back through time to the gradient towards all parameters: the reference hGRU (25 channels, 15 x 15, 8"
           " steps), and a network of 100 rate units with all connections. Memory is by how much a process grew; the difference"
           " of the gradients is relative to their largest element.")
    yield from training(build, threads)


def contractor(build, threads):
    yield ("The gradient of one update by C-RBP: steps forward, at most 15 products with the Jacobian (gmres), and the contraction penalty."
           " `bench_contractor`: the published cell (25 channels, two kernels of 15 x 15), 2 images of 64 x 64, float. Memory is by how"
           " much a process grew.\n")
    yield "| threads | steps | a step forward, ms | update, s | products | in steps forward, beyond its own | MiB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        for steps in (8, 40, 320):
            run = json.loads(lines_of(build / "bench/bench_contractor", str(n), str(steps))[0])
            step = run["forward"] / steps
            yield (f"| {n} | {steps} | {1e3 * step:.1f} | {run['update']:.2f} | {run['products']} |"
                   f" **{(run['update'] - run['forward']) / step:.0f}** | {run['mib']:.0f} |")


def one_evaluation(build, threads):
    yield ("The rate of that circuit; the floors are the multiply-adds of the separable algorithm at measured peak, and one"
           " pass over state, input and rate at the bandwidth of a triad of that size.")
    yield from floors(build, threads)


def kuramoto(build, threads):
    yield "`bench/race_kuramoto.py`: 5000 with dense weights to t = 100; medians of three runs. `single`: of `single(W)`, weights in single precision.\n"
    yield from oscillators(build, threads)


def delays(build, threads):
    yield ("`bench_delays`: a step of dense oscillators without delays, with one delay for all, and with a delay for each pair between"
           " the steps; `dp54` adapts its step, to the shortest delay where there is one for each pair.\n")
    for n in threads:
        yield from (f"- {thread_name(n)}: {line}" for size in ("100", "1000", "4000")
                    for line in lines_of(build / "bench/bench_delays", size, OMP_NUM_THREADS=str(n)))


def noise(build, _):
    yield "`bench_noise`, one thread.\n"
    yield from (f"- {line}" for line in lines_of(build / "bench/bench_noise"))


def start_up_and_recording(build, threads):
    striate = str(build / "cli/striate")
    yield f"`striate run` on a circuit of two states, from nothing to the file: **{recording.start_up(striate) * 1e3:.0f} ms**."
    yield ("\nRecording every state at 1 kHz. The limit is a loop of write(2) of as many bytes into the same folder, which a"
           " recording cannot beat on the thread that integrates.\n")
    yield "| circuit | threads | run without, s | with, s | written, MiB | more time | the limit, s | of the run |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for n in threads:
        for name, without, with_all, size, plain in recording.recording(striate, n):
            yield (f"| {name} | {n} | {without:.3f} | {with_all:.3f} | {size / 2**20:.1f} |"
                   f" **{100 * (with_all / without - 1):.0f} %** | {plain:.3f} | {100 * plain / without:.0f} % |")


SECTIONS = {
    "A circuit of 131,072 states": circuit_of_grids,
    "A kernel of 29 x 29 that mixes 16 channels, double": mixing,
    "Training steps": training_steps,
    "Recurrent back-propagation beside its steps forward": contractor,
    "One evaluation beside what the machine allows": one_evaluation,
    "Kuramoto's oscillators": kuramoto,
    "Delays": delays,
    "Noise": noise,
    "Networks of spiking neurons": spiking,
    "Start-up and recording": start_up_and_recording,
}


def head():
    torch = version("torch")
    return ("# Performance\n\nWritten by `python3 bench/run_all.py`; every number of a table is measured in one run, side by"
            f" side, and is a median of five or more where nothing else is said.\n\nMachine: {machine()}. Peers: SciPy"
            f" {version('scipy')}, " + (f"PyTorch {torch}." if torch else "PyTorch could not be imported, so it is absent."))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", type=Path, default=Path("build/release"))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", help="the first words of the one section that is measured; the others are kept")
    given = parser.parse_args()
    threads = [int(n) for n in given.threads.split(",")]
    old = dict(part.split("\n", 1) for part in ("\n" + PAGE.read_text()).split("\n## ")[1:]) if PAGE.exists() else {}
    sections = {}
    for title, measure in SECTIONS.items():
        if given.only is None or title.startswith(given.only):
            sections[title] = "\n" + "\n".join(measure(given.build, threads)).strip("\n") + "\n"
            print(f"## {title}\n{sections[title]}", flush=True)
        elif title in old:
            sections[title] = old[title]
    sections.update({title: text for title, text in old.items() if title not in SECTIONS})  # written by hand
    PAGE.write_text("\n\n".join([head(), *(f"## {title}\n\n{text.strip(chr(10))}" for title, text in sections.items())])
                    + "\n")


if __name__ == "__main__":
    main()
