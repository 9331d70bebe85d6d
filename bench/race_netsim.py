"""Races Striate against NETSIM on the sheet of Davis et al. (2021), 112,500 neurons with 1000 targets each, in one run.

    python3 bench/race_netsim.py build/release/bench/bench_spikes

A second at 0.1 ms with the same parameters, connectivity and delays; medians of five. NETSIM, on one thread, is the program
`netsim` on the path (github.com/mullerlab/NETSIM, built by its Makefile); its steps take the time of a run of a second less
that of a run of one step, so that construction is not counted. Without it nothing is raced.
"""
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import race_spikes

RUNS = 5
PARAMETERS = """N = 112500
K = 1000
connector = 4
initiator = 0
L = 4e-3
sigma_space = .2e-3
min_conduction_speed = .2
max_conduction_speed = .2
synapse_delay = 3e-4
T = {duration}
dt = 1e-4
Cm = 200e-12
taum = 20e-3
El = -65e-3
vth = -50e-3
vr = -70e-3
vreset = -70e-3
taur = 5e-3
Ee = 0
Ei = -80e-3
taue = 5e-3
taui = 5e-3
ge = 1e-9
gi = 1e-8
Ie = 0
vm_mean = -0.0680901
vm_sigma = 0.0057296
ge_mean = 1.14244e-08
ge_sigma = 4.30869e-09
gi_mean = 7.95233e-08
gi_sigma = 5.80938e-08
start_record_time = 0.0
stop_record_time = 0.0
record_downsample_factor = 2
output_file_code = 001
save_connectivity = 0
"""


def netsim(duration):
    """Seconds of the whole program and the rate [Hz]."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "sheet.parameters"
        parameters.write_text(PARAMETERS.format(duration=duration))
        start = time.perf_counter()
        out = subprocess.run(["netsim", "-f", parameters, "-o", folder], check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
    rate = re.search(r"Rate\D*([\d.]+)", out)
    return seconds, float(rate.group(1)) if rate else float("nan")


def race(program, threads):
    """Seconds and rate of NETSIM, and what Striate measured on each number of threads; nothing where there is no NETSIM."""
    if not shutil.which("netsim"):
        return None
    theirs, rates, ours = [], [], {n: [] for n in threads}
    for _ in range(RUNS):
        whole, rate = netsim(1.0)
        theirs.append(whole - netsim(1e-4)[0])
        rates.append(rate)
        for n in threads:
            ours[n].append(race_spikes.fibres(program, n)["run_s"])
    return statistics.median(theirs), rates[0], {n: statistics.median(seconds) for n, seconds in ours.items()}


def lines(program, threads):
    found = race(program, threads)
    if not found:
        return ["NETSIM is not here."]
    theirs, rate, ours = found
    return [f"NETSIM, its authors' simulator, takes {theirs:.2f} s on one thread ({rate:.2f} Hz); Striate " +
            ", ".join(f"{seconds:.2f} s on {n}, **{theirs / seconds:.1f}** times faster" for n, seconds in ours.items()) + "."]


if __name__ == "__main__":
    print(*lines(sys.argv[1], (1, 2)), sep="\n")
