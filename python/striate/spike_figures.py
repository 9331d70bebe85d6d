"""Figures of the spikes in a recording: raster, rate, intervals and correlation of every event that has any."""

import h5py
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figures import HEIGHT, MODEL, WIDTH
from .spikes import read_events

MOST_ROWS = 6  # events of one figure
MOST_TRAINS = 400  # of correlations
MOST_MARKS = 200_000  # of a raster; beyond, every n-th element is drawn


def has_spikes(path):
    with h5py.File(path) as file:
        return bool(read_events(file))


def intervals(times, ids):
    """All intervals between successive spikes of one element, and each element's coefficient of variation."""
    order = np.lexsort((times, ids))
    times, ids = times[order], ids[order]
    same = ids[1:] == ids[:-1]
    between, owner = np.diff(times)[same], ids[1:][same]
    own = np.split(between, np.flatnonzero(np.diff(owner)) + 1)
    variation = [np.std(b) / np.mean(b) for b in own if len(b) >= 4]
    return between, np.array(variation)


def correlations(times, ids, last, bins=100):
    """Of the counts of all pairs of elements, in so many bins; of at most MOST_TRAINS that spike, evenly taken."""
    active = np.unique(ids)
    active = active[:: int(np.ceil(len(active) / MOST_TRAINS)) or 1]
    place = np.searchsorted(active, ids)
    place[place == len(active)] = 0
    chosen = active[place] == ids
    counts, *_ = np.histogram2d(place[chosen], times[chosen], [np.arange(len(active) + 1) - 0.5, np.linspace(0, last, bins + 1)])
    counts = counts[counts.std(1) > 0]
    if len(counts) < 2:
        return np.array([])
    return np.corrcoef(counts)[np.triu_indices(len(counts), 1)]


def draw(path):
    with h5py.File(path) as file:
        events = dict(list(read_events(file).items())[:MOST_ROWS])
        end = file["t"][-1] if "t" in file else None
    figure = Figure(figsize=(4 * WIDTH, HEIGHT * len(events)), layout="constrained")
    panels = figure.subplots(len(events), 4, squeeze=False, width_ratios=[2, 1, 1, 1])
    for row, (name, (times, ids, condition, units)) in zip(panels, events.items()):
        last = end if end is not None else times.max()
        raster, rate, isi, pairs = row
        if ids.max() == 0 and condition.max() > 0:  # of one element: its spikes in every condition
            ids, label, note = condition, "condition", ""
        else:
            first = condition == condition[0]
            note = f" (condition {condition[0]})" if not first.all() else ""
            times, ids, label = times[first], ids[first], f"element of {name}"
        every = int(np.ceil(times.size / MOST_MARKS))
        shown = ids % every == 0
        few = ids.max() < 60
        raster.plot(times[shown], ids[shown], "|" if few else ",", color="black", markersize=min(12, 150 / (ids.max() + 1)))
        raster.set(xlabel=f"time ({units})", ylabel=label, title=f"spikes of {name}{note}", xlim=(0, last),
                   ylim=(-0.5, ids.max() + 0.5))
        raster.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        bins = np.linspace(0, last, int(np.clip(times.size / 5, 5, 100)) + 1)
        per_second = {"ms": 1000, "s": 1}.get(units)
        count = np.histogram(times, bins)[0] / (bins[1] - bins[0]) / (ids.max() + 1) * (per_second or 1)
        rate.stairs(count, bins, color=MODEL)
        rate.set(xlabel=f"time ({units})", ylabel=f"rate of one element ({'Hz' if per_second else '1/' + units})",
                 title="rate", ylim=(0, None))
        between, variation = intervals(times, ids)
        if between.size:
            isi.hist(between, int(np.clip(between.size / 4, 5, 50)), color=MODEL, log=True)
        isi.set(xlabel=f"interval ({units})", ylabel="number",
                title="intervals" + (f", mean CV {variation.mean():.2f}" if variation.size else ""))
        r = correlations(times, ids, last)
        if r.size:
            pairs.hist(r, 50, color=MODEL)
        pairs.set(xlabel=f"correlation of counts in {last / 100:.3g} {units}", ylabel="pairs",
                  title="pairs" + (f", mean {r.mean():.3f}" if r.size else ": too few spikes"))
    return figure
