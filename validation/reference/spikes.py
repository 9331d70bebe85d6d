"""Two networks in other simulators: spikes one by one, and their statistics. Writes spikes.csv beside itself.

    python3 validation/reference/spikes.py        with brian2 and neuron from PyPI

Who is connected, with what weight and delay, is a function of two numbers (`share`), which the test that reads the file
computes likewise. The values printed by either simulator are not touched; what its conventions mean is said where they are met.
"""
import csv
from pathlib import Path

import numpy as np

OUT = Path(__file__).with_suffix(".csv")
SETTLED = 200.0  # ms; statistics begin there


def share(i, j, purpose):
    """A number in [0, 1) for a pair, by the final mixing of xxHash32."""
    word = np.uint64(0xFFFFFFFF)
    x = (np.asarray(i, np.uint64) * np.uint64(2654435761) + np.asarray(j, np.uint64) * np.uint64(2246822519)
         + np.uint64(purpose) * np.uint64(3266489917)) & word
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        x ^= x >> np.uint64(shift)
        x = x * np.uint64(factor) & word
    return (x ^ x >> np.uint64(16)) / 2.0**32


def synapses(n, probability):
    """From, to, weight in sixteenths of the common one (8 to 23), and a whole number from 0 to 15 for the delay."""
    pre, post = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    chosen = (share(pre, post, 0) < probability) & (pre != post)
    pre, post = pre[chosen], post[chosen]
    return pre, post, 8 + np.floor(16 * share(pre, post, 1)), np.floor(16 * share(pre, post, 2))


def statistics(times, ids, n, end):
    """Rates of the first four fifths and of the rest [Hz], mean CV of intervals of neurons with five spikes or more, and the
    mean correlation of counts in 20 ms between the first 100 neurons."""
    kept = times > SETTLED
    times, ids = times[kept], ids[kept]
    order = np.lexsort((times, ids))
    trains = np.split(times[order], np.searchsorted(ids[order], np.arange(1, n)))
    excitatory, seconds = 4 * n // 5, (end - SETTLED) / 1e3
    intervals = [np.diff(t) for t in trains if len(t) >= 5]
    bins = round((end - SETTLED) / 20)
    counts = np.array([np.histogram(t, bins, (SETTLED, end))[0] for t in trains[:100]])
    counts = counts[counts.var(1) > 0]
    correlation = np.corrcoef(counts)
    return {"rate_E": sum(map(len, trains[:excitatory])) / excitatory / seconds,
            "rate_I": sum(map(len, trains[excitatory:])) / (n - excitatory) / seconds,
            "cv": np.mean([i.std() / i.mean() for i in intervals]),
            "correlation": correlation[np.triu_indices(len(counts), 1)].mean()}


def brian(end):
    """1000 conductance neurons as in COBA with 80 inputs each and 120 pA, on a grid of 0.1 ms. Returns spike times [ms, ends of
    steps] and neurons.

    Brian2 dates a spike at the beginning of its step, and ends refractoriness one step earlier than 5 ms after the step's end.
    """
    import brian2 as b
    b.prefs.codegen.target = "cython"
    b.start_scope()
    b.defaultclock.dt = 0.1 * b.ms
    n = 1000
    group = b.NeuronGroup(n, """dv/dt = (10*nS*(-60*mV - v) + ge*(0*mV - v) + gi*(-80*mV - v) + 120*pA)/(200*pF) : volt (unless refractory)
                                dge/dt = -ge/(5*ms) : siemens
                                dgi/dt = -gi/(10*ms) : siemens""",
                          threshold="v > -50*mV", reset="v = -60*mV", refractory=5.1 * b.ms, method="exponential_euler",
                          namespace={name: getattr(b, name) for name in ("nS", "mV", "pA", "pF", "ms")})
    group.v = (-60 + 10 * share(np.arange(n), 0, 3)) * b.mV
    pre, post, weight, delay = synapses(n, 0.08)
    kept = []
    for name, unit, mine in (("ge", 6, pre < 800), ("gi", 67, pre >= 800)):
        s = b.Synapses(group, group, "w : siemens", on_pre=f"{name}_post += w")
        s.connect(i=pre[mine], j=post[mine])
        s.w = unit * weight[mine] / 16 * b.nS
        s.delay = (1 + delay[mine]) * 0.1 * b.ms
        kept.append(s)
    spikes = b.SpikeMonitor(group)
    b.Network(group, *kept, spikes).run(end * b.ms)
    return np.round(spikes.t / b.ms, 1) + 0.1, np.array(spikes.i)


def neuron(end, atol=1e-9):
    """40 Hodgkin-Huxley cells (NEURON's hh at 6.3 C, 10,000 um^2) with exponential synapses, 0.25 of all pairs, integrated by
    CVODE; spikes are upward crossings of -20 mV. Rates of gates are computed, not looked up in hh's table of 1 mV."""
    from neuron import h
    h.load_file("stdrun.hoc")
    h.usetable_hh = 0
    h.celsius = 6.3
    n = 40
    cells, kept, spikes = [], [], []
    for i in range(n):
        cell = h.Section(name=f"cell{i}")
        cell.L = cell.diam = np.sqrt(1e4 / np.pi)
        cell.insert("hh")
        clamp = h.IClamp(cell(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0, 1e9, 0.7 + 0.5 * share(i, 0, 3)
        inputs = []
        for reversal, tau in ((0, 3), (-80, 8)):
            s = h.ExpSyn(cell(0.5))
            s.e, s.tau = reversal, tau
            inputs.append(s)
        seen = h.NetCon(cell(0.5)._ref_v, None, sec=cell)
        seen.threshold = -20
        t = h.Vector()
        seen.record(t)
        cells.append((cell, inputs))
        spikes.append(t)
        kept += [clamp, seen]
    for i, j, weight, delay in zip(*synapses(n, 0.25)):
        c = h.NetCon(cells[i][0](0.5)._ref_v, cells[j][1][int(i >= 32)], sec=cells[i][0])
        c.threshold, c.delay, c.weight[0] = -20, 0.5 + delay / 8, (0.004 if i < 32 else 0.012) * weight / 16
        kept.append(c)
    cvode = h.CVode()
    cvode.active(1)
    cvode.atol(atol)
    cvode.condition_order(2)
    h.finitialize(-65)
    cvode.solve(end)
    times = np.concatenate([np.array(t) for t in spikes])
    ids = np.concatenate([np.full(len(t), i) for i, t in enumerate(spikes)])
    order = np.lexsort((ids, times))
    return times[order], ids[order]


def main():
    rows = []

    def write(case, times, ids, until, digits):
        for k, (t, i) in enumerate(zip(times, ids)):
            if t <= until:
                rows.extend([(case, "time", k, f"{t:.{digits}f}"), (case, "neuron", k, int(i))])

    for simulator, run, n, end, shown, digits in (("brian2", brian, 1000, 2200, 80, 1), ("neuron", neuron, 40, 1200, 200, 6)):
        times, ids = run(end)
        write(simulator, times, ids, shown, digits)
        found = statistics(times, ids, n, end)
        rows += [(simulator, name, "value", f"{value:.6g}") for name, value in found.items()]
        print(simulator, found, flush=True)
    with OUT.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
