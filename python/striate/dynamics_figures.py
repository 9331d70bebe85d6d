"""The picture of a cycle: its course, how its phase responds to pushes, and how two of its kind would lock."""

import h5py
import numpy as np
from matplotlib.figure import Figure

from .figures import COLOURS, MODEL
from .recording import attributes, variable, with_units

MOST_LINES = 6


def draw(path):
    with h5py.File(path, "r") as file:
        a = attributes(file)
        cycle = {n: variable(d) for n, d in file["cycle"].items()}
        response = {n: variable(d) for n, d in file["response"].items()}
        interaction = file.get("interaction")
        columns = 2 if interaction is None else 3
        figure = Figure(figsize=(3.7 * columns, 3.2), layout="constrained")
        axes = figure.subplots(1, columns)
        courses(axes[0], cycle, f"cycle of {a['period']:.5g} {a['time_unit']}")
        courses(axes[1], response, "advance of the phase by a push")
        axes[1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
        if interaction is not None:
            locking(axes[2], interaction)
    return figure


def courses(ax, variables, title):
    lines = [(name, v, k) for name, v in variables.items() for k in range(v.values[0].size)]
    for n, (name, v, k) in enumerate(lines[:MOST_LINES]):
        label = name if v.values[0].size == 1 else f"{name} {k}"
        ax.plot(v.axes[0].values, v.values.reshape(len(v.values), -1)[:, k], color=COLOURS[n % 7], label=label)
    if len(lines) > MOST_LINES:
        title += f", first {MOST_LINES} of {len(lines)}"
    units = {v.attributes.get("units", "1") for v in variables.values()}
    ax.set_ylabel(with_units("response" if "advance" in title else "state", units.pop() if len(units) == 1 else "each in its unit"))
    ax.set_xlabel("phase (periods)")
    ax.set_xlim(0, 1)
    ax.set_title(title)
    ax.legend()


def locking(ax, group):
    h, odd = variable(group["H"]), variable(group["odd"])
    shift = h.axes[0].values
    ax.plot(shift, h.values, color=MODEL, label="H")
    ax.plot(shift, odd.values, color=COLOURS[1], label="odd part")
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    for x, stable in zip(np.atleast_1d(group.attrs["locked"]), np.atleast_1d(group.attrs["locked_stable"])):
        ax.plot(x, 0, "o", color="black", markerfacecolor="black" if stable else "white", zorder=3)
    ax.plot([], [], "o", color="black", label="two units lock")
    ax.plot([], [], "o", color="black", markerfacecolor="white", label="unstably")
    ax.set_xlabel("shift of the sender (periods)")
    ax.set_ylabel("interaction")
    ax.set_xlim(0, 1)
    ax.legend()
