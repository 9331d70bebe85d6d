"""Figures of the spikes in a recording: raster, rate, intervals and correlation of every event that has any."""

import h5py
import numpy as np
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


class Spikes:
    """The part of a figure that shows the spikes of a recording: a row of panels for each event."""

    width = 4 * WIDTH

    def __init__(self, path):
        with h5py.File(path) as file:
            self.events = dict(list(read_events(file).items())[:MOST_ROWS])
            self.end = file["t"][-1] if "t" in file else None
        self.height = HEIGHT * len(self.events)

    def draw(self, figure):
        panels = figure.subplots(len(self.events), 4, squeeze=False, width_ratios=[2, 1, 1, 1])
        for row, (name, event) in zip(panels, self.events.items()):
            draw_event(row, name, *event, self.end)


def draw_event(row, name, times, ids, condition, units, elements, end):
    last = end if end is not None else times.max()
    raster, rate, isi, pairs = row
    if elements == 1 and condition.max() > 0:  # of one element: its spikes in every condition
        ids, label, note, elements = condition, "condition", "", condition.max() + 1
    else:
        first = condition == condition[0]
        note = f" (condition {condition[0]})" if not first.all() else ""
        times, ids, label = times[first], ids[first], "element" if name == "spike" else f"element of {name}"
    every = int(np.ceil(times.size / MOST_MARKS))
    shown = ids % every == 0
    few = elements <= 60
    raster.plot(times[shown], ids[shown], "|" if few else ",", color="black", markersize=min(12, 150 / elements))
    title = "spikes" if name == "spike" else f"spikes of {name}"
    raster.set(xlabel=f"time ({units})", ylabel=label, title=title + note, xlim=(0, last),
               ylim=(-0.5, elements - 0.5))
    raster.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    bins = np.linspace(0, last, int(np.clip(times.size / 5, 5, 100)) + 1)
    per_second = {"ms": 1000, "s": 1}.get(units)
    count = np.histogram(times, bins)[0] / (bins[1] - bins[0]) / elements * (per_second or 1)
    rate.stairs(count, bins, color=MODEL)
    rate.set(xlabel=f"time ({units})", ylabel=f"rate of one element ({'Hz' if per_second else '1/' + units})",
             title="rate", ylim=(0, None))
    between, variation = intervals(times, ids)
    if between.size:
        bins = np.linspace(0, 1.02 * between.max(), int(np.clip(between.size / 2, 25, 60)) + 1)
        isi.hist(between, bins, color=MODEL, log=True)
        isi.set_ylim(0.7, None)
    isi.set(xlabel=f"interval ({units})", ylabel="number",
            title="intervals" + (f", mean CV {variation.mean():.2f}" if variation.size else ""))
    r = correlations(times, ids, last)
    if r.size:
        pairs.hist(r, 50, range=(r.min() - 1e-3, r.max() + 1e-3) if np.ptp(r) < 1e-3 else None, color=MODEL)
    else:
        pairs.axis("off")
    pairs.set(xlabel=f"correlation of counts in {last / 100:.3g} {units}", ylabel="pairs",
              title="pairs" + (f", mean {r.mean():.3f}" if r.size else ": too few spikes"))
