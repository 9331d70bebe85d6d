"""Figures of the spikes in a recording: raster, rate and intervals of every event that has any."""

import h5py
import numpy as np
from matplotlib.figure import Figure

from .figures import HEIGHT, MODEL, WIDTH

MOST_MARKS = 200_000  # of a raster; beyond, every n-th element is drawn


def has_spikes(path):
    with h5py.File(path) as file:
        return any(event["times"].size for event in file.get("spikes", {}).values())


def intervals(times, ids):
    """All intervals between successive spikes of one element, and each element's coefficient of variation."""
    order = np.lexsort((times, ids))
    times, ids = times[order], ids[order]
    same = ids[1:] == ids[:-1]
    between, owner = np.diff(times)[same], ids[1:][same]
    variation = [np.std(b) / np.mean(b) for b in (between[owner == i] for i in np.unique(owner)) if len(b) >= 4]
    return between, np.array(variation)


def draw(path):
    with h5py.File(path) as file:
        events = {name: (e["times"][:], e["ids"][:], e["condition"][:], e["times"].attrs.get("units", ""))
                  for name, e in file["spikes"].items() if e["times"].size}
        end = file["t"][-1] if "t" in file else None
    figure = Figure(figsize=(3 * WIDTH, HEIGHT * len(events)), layout="constrained")
    panels = figure.subplots(len(events), 3, squeeze=False, width_ratios=[2, 1, 1])
    for row, (name, (times, ids, condition, units)) in zip(panels, events.items()):
        units = units.decode() if isinstance(units, bytes) else units
        first = condition == condition[0]
        times, ids = times[first], ids[first]
        note = f" (condition {condition[0]})" if not first.all() else ""
        raster, rate, isi = row
        every = int(np.ceil(times.size / MOST_MARKS))
        shown = ids % every == 0
        raster.plot(times[shown], ids[shown], "|" if ids.max() < 60 else ",", color="black", markersize=3)
        raster.set(xlabel=f"time ({units})", ylabel=f"element of {name}", title=f"spikes of {name}{note}")
        last = end if end is not None else times.max()
        bins = np.linspace(0, last, 101)
        count = np.histogram(times, bins)[0] / (bins[1] - bins[0]) / (ids.max() + 1)
        rate.stairs(count, bins, color=MODEL)
        rate.set(xlabel=f"time ({units})", ylabel=f"rate of one element (1/{units})", title="rate")
        between, variation = intervals(times, ids)
        if between.size:
            isi.hist(between, 50, color=MODEL)
        isi.set(xlabel=f"interval ({units})", ylabel="number",
                title="intervals" + (f", mean CV {variation.mean():.2f}" if variation.size else ""))
    return figure
