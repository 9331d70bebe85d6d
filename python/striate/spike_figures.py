"""Figures of the spikes in a recording: raster, rate, intervals and correlation of every event that has any, in each condition."""

from dataclasses import dataclass

import h5py
import numpy as np
from matplotlib.ticker import MaxNLocator

from .figures import HEIGHT, MODEL, WIDTH, labelled, say
from .recording import axes_of, times_in, with_units
from .spikes import read_events

MOST_ROWS = 6  # of one figure
MOST_NAMES = 12  # of conditions beside a raster
MOST_TRAINS = 400  # of correlations
MOST_MARKS = 200_000  # of a raster; beyond, every n-th element is drawn
INKED = 1e4  # area that the marks of a raster cover at the most [pt^2]


def has_spikes(path):
    with h5py.File(path) as file:
        return any(spikes.times.size for of in read_events(file).values() for spikes in of.values())


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


def condition_axes(file):
    """The conditions of a run in the order in which they are numbered; before them the keys of a sweep."""
    if "run" in file:
        return axes_of(next(iter(file["run"].values())))
    for dataset in file.values():
        axes = axes_of(dataset) if isinstance(dataset, h5py.Dataset) else []
        names = [a.name for a in axes]
        if "t" in names[1:]:
            return axes[: names.index("t")]
    return []


@dataclass
class Row:
    """Spikes of one event that are drawn together: of elements in one condition, or of one element in several."""

    name: str
    where: str  # the condition
    times: np.ndarray
    ids: np.ndarray
    rows: int  # of the raster
    label: str
    names: list  # of the rows, where they are conditions
    unit: str  # "" of times without one
    end: float

    @property
    def title(self):
        return ("spikes" if self.name == "spike" else f"spikes of {self.name}") + (f", {self.where}" if self.where else "")


def rows_of(file):
    axes, events, sweep = condition_axes(file), read_events(file), "sweep" in file.attrs
    shape = [len(a.values) for a in axes]
    of_point = int(np.prod(shape)) // file["status"].size if sweep and axes else 1
    unit = next((spikes.unit for of in events.values() for spikes in of.values() if spikes.unit != "1"), "")
    end = times_in(file["t"], unit)[-1] if "t" in file and (sweep or file.attrs.get("complete", 1)) else None
    conditions = {}
    for name, of in events.items():
        event, _, point = name.rpartition("/") if sweep else (name, "", "0")
        for condition, spikes in of.items():
            conditions.setdefault(event, {})[int(point) * of_point + condition] = spikes

    until = np.nan_to_num(times_in(file["run/recorded_until"], unit)) if "run/recorded_until" in file else []

    def last(condition):  # a run that was broken off wrote spikes up to there
        if end is None and condition < len(until) and until[condition] > 0:
            return until[condition]
        return end if end is not None else max(of[condition].times.max(initial=0) for of in conditions.values() if condition in of)

    def where(condition):
        return labelled(axes, shape, condition) if axes else f"condition {condition}"

    for event, of in conditions.items():
        of = dict(sorted(of.items()))
        fired = {n: spikes for n, spikes in of.items() if spikes.times.size}
        if len(of) > 1 and fired and max(spikes.elements for spikes in of.values()) == 1:
            yield Row(event, "", np.concatenate([s.times for s in fired.values()]),
                      np.concatenate([np.full(s.times.size, place) for place, s in enumerate(of.values()) if s.times.size]),
                      len(of), "condition", [where(n) for n in of], unit, max(map(last, of)))
            continue
        for n, spikes in fired.items():
            yield Row(event, where(n) if len(of) > 1 or axes else "", spikes.times, spikes.ids, spikes.elements,
                      "element" if event == "spike" else f"element of {event}", [], unit, last(n))


class Spikes:
    """The part of a figure that shows the spikes of a recording: a row of panels for each event and condition."""

    width = 4 * WIDTH

    def __init__(self, path):
        with h5py.File(path) as file:
            rows = list(rows_of(file))
        self.rows, self.total = rows[:MOST_ROWS], len(rows)
        self.height = HEIGHT * len(self.rows)

    def draw(self, figure):
        panels = figure.subplots(len(self.rows), 4, squeeze=False, width_ratios=[2, 1, 1, 1])
        for axes, row in zip(panels, self.rows):
            raster, rate, isi, pairs = axes
            draw_raster(raster, row)
            draw_rate(rate, row)
            draw_intervals(isi, row)
            draw_pairs(pairs, row)
        if self.total > len(self.rows):
            figure.suptitle(f"the first {len(self.rows)} of {self.total} events and conditions that have spikes", fontsize=9)


def draw_raster(ax, row):
    every = int(np.ceil(row.times.size / MOST_MARKS))
    shown = row.ids % every == 0
    few = row.rows <= 60
    size = min(2.0, np.sqrt(INKED / max(1, np.count_nonzero(shown))))  # many marks are smaller, that their density shows
    marks = dict(marker="|", markersize=min(12, 150 / row.rows)) if few else dict(marker=".", markersize=size, markeredgewidth=0)
    ax.plot(row.times[shown], row.ids[shown], linestyle="none", color="black", **marks)
    ax.set(xlabel=with_units("time", row.unit), ylabel=row.label, title=row.title, xlim=(0, row.end), ylim=(-0.5, row.rows - 0.5))
    if row.names and len(row.names) <= MOST_NAMES:
        ax.set_yticks(range(row.rows), row.names)
        ax.set_ylabel("")
    else:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_rate(ax, row):
    bins = np.linspace(0, row.end, int(np.clip(row.times.size / 5, 5, 100)) + 1)
    per_second = {"ms": 1000, "s": 1}.get(row.unit)
    count = np.histogram(row.times, bins)[0] / (bins[1] - bins[0]) / row.rows * (per_second or 1)
    ax.stairs(count, bins, color=MODEL)
    ax.set(xlabel=with_units("time", row.unit),
           ylabel=with_units("rate of one element", "Hz" if per_second else row.unit and f"1/{row.unit}"),
           title="rate, mean of all conditions" if row.names else "rate", ylim=(0, None))


def draw_intervals(ax, row):
    between, variation = intervals(row.times, row.ids)
    if not between.size:
        say(ax, "no intervals: nothing\nspiked twice")
        return
    bins = np.linspace(0, 1.02 * between.max(), int(np.clip(between.size / 2, 25, 60)) + 1)
    counts, *_ = ax.hist(between, bins, color=MODEL)
    if counts.max() >= 10:
        ax.set_yscale("symlog", linthresh=1)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=with_units("interval", row.unit), ylabel="number", ylim=(0, None),
           title=("intervals of all conditions" if row.names else "intervals")
           + (f", mean CV {variation.mean():.2f}" if variation.size else ""))


def draw_pairs(ax, row):
    r = correlations(row.times, row.ids, row.end)
    if row.names or not r.size:
        say(ax, "pairs: one element" if row.rows == 1 or row.names else "pairs: too few spikes")
        return
    ax.hist(r, 50, range=(r.min() - 1e-3, r.max() + 1e-3) if np.ptp(r) < 1e-3 else None, color=MODEL)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel=f"correlation of counts in {float(f'{row.end / 100:.3g}'):g} {row.unit}".rstrip(), ylabel="pairs",
           title=f"pairs, mean {r.mean():.3f}")
