"""Pictures of cycles (course, response of the phase, locking) and of branches along a parameter."""

import h5py
import numpy as np
from matplotlib.figure import Figure

from .figures import COLOURS, MODEL, labelled, named, ordered, set_ticks
from .recording import attributes, variable, with_units

MOST_LINES = 6


def draw(path):
    with h5py.File(path, "r") as file:
        a = attributes(file)
        cycle = {n: in_first_turn(variable(d)) for n, d in file["cycle"].items()}
        response = {n: variable(d) for n, d in file["response"].items()}
        interaction = file.get("interaction")
        groups = of_one_unit(cycle)
        left_out = f", {MOST_LINES} of {len(groups)} panels" if len(groups) > MOST_LINES else ""
        groups = groups[:MOST_LINES]
        columns = 2 if interaction is None else 3
        figure = Figure(figsize=(3.7 * columns, 0.5 + 2.7 * len(groups)), layout="constrained")
        axes = figure.subplots(len(groups), columns, squeeze=False)
        for row, names in zip(axes, groups):
            unit = "" if a["time_unit"] == "1" else f" {a['time_unit']}"
            courses(row[0], [cycle[n] for n in names], f"cycle of {a['period']:.5g}{unit}{left_out}", "state")
            courses(row[1], [response[n] for n in names], "advance of the phase by a push", "response")
            row[1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
        if interaction is not None:
            locking(axes[0, 2], interaction)
            for ax in axes[1:, 2]:
                ax.set_visible(False)
    return figure


def in_first_turn(v):
    """Angles, which a cycle leaves whole turns further on, begin between 0 and one turn."""
    angle = np.abs(v.values[-1] - v.values[0]) > np.pi
    v.values -= np.where(angle, 2 * np.pi * np.floor(v.values[0] / (2 * np.pi)), 0)
    return v


def of_one_unit(states):
    """Names of states that share an axis: of one unit, and moving as far within a factor of ten."""
    groups = []
    for name, v in states.items():
        unit, size = v.attributes.get("units", "1"), np.ptp(v.values)
        shared = (names for of, least, names in groups if of == unit and least / 10 <= size <= 10 * least)
        names = next(shared, None)
        if names is None:
            groups.append((unit, size, [name]))
        else:
            names.append(name)
    return [names for _, _, names in groups]


def courses(ax, variables, title, what):
    lines = [(v, k) for v in variables for k in range(v.values[0].size)]
    for n, (v, k) in enumerate(lines[:MOST_LINES]):
        label = v.name if v.values[0].size == 1 else f"{v.name} {k}"
        ax.plot(v.axes[0].values, v.values.reshape(len(v.values), -1)[:, k], color=COLOURS[n % 7], label=label)
    if len(lines) > MOST_LINES:
        title += f", first {MOST_LINES} of {len(lines)}"
    ax.set_ylabel(with_units(what, variables[0].attributes.get("units")))
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


def draw_branches(path):
    """States and periods along a parameter: solid where stable, dashed where not; special points by their names."""
    with h5py.File(path, "r") as file:
        branches = [file["branches"][n] for n in sorted(file["branches"], key=int)]
        states = [(name, k) for name, d in branches[0]["low"].items() for k in range(int(np.prod(d.shape[1:])))]
        cycles = any("period" in b for b in branches)
        shown = states[:MOST_LINES]
        columns = len(shown) + cycles
        figure = Figure(figsize=(3.7 * columns + 1.3, 3.2), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, columns))
        label = with_units(str(file.attrs["parameter"]), attributes(branches[0]["parameter"]).get("units"))
        for ax, (name, k) in zip(axes, shown):
            for b in branches:
                for end in ("low", "high") if b.attrs["cycles"] else ("low",):
                    values = b[f"{end}/{name}"][()].reshape(len(b["parameter"]), -1)[:, k]
                    stretch(ax, b, values)
            state = file[f"branches/0/low/{name}"]
            ax.set_ylabel(with_units(name if state.ndim == 1 else f"{name} {k}", attributes(state).get("units")))
            ax.set_xlabel(label)
        if len(states) > len(shown):
            axes[0].set_title(f"first {len(shown)} of {len(states)} states")
        if cycles:
            for b in branches:
                if "period" in b:
                    stretch(axes[-1], b, b["period"][()])
            a = attributes(next(b for b in branches if "period" in b)["period"])
            axes[-1].set_ylabel(with_units("period", a.get("units")))
            axes[-1].set_xlabel(label)
        if "special" in file:
            mark(axes, file["special"], shown, cycles)
        handles = {text: line for ax in axes for line, text in zip(*ax.get_legend_handles_labels())}
        axes[-1].legend(handles.values(), handles.keys(), loc="upper left", bbox_to_anchor=(1.0, 1.02))
    return figure


def stretch(ax, branch, values):
    """A line in pieces of one stability."""
    p, stable = branch["parameter"][()], branch["unstable"][()] == 0
    colour = COLOURS[1] if branch.attrs["cycles"] else MODEL
    kind = "cycle" if branch.attrs["cycles"] else "fixed point"
    start = 0
    for end in range(1, len(p) + 1):
        if end < len(p) and stable[end] == stable[start]:
            continue
        ax.plot(p[start : end + 1], values[start : end + 1], "-" if stable[start] else "--", color=colour,
                label=f"{'stable' if stable[start] else 'unstable'} {kind}")
        start = end


def mark(axes, special, shown, cycles):
    shapes = {"fold": "s", "Hopf": "o", "transcritical": "x", "pitchfork": "v", "branch point": "X", "homoclinic": "*",
              "SNIC": "^", "period doubling": "D", "torus": "P"}
    for n, kind in enumerate(special["kind"].asstr()[()]):
        style = dict(marker=shapes[kind], color="black", markerfacecolor="white", linestyle="none", zorder=4, label=kind)
        x = special["parameter"][n]
        for ax, (name, k) in zip(axes, shown):
            if special["period"][n] == 0:
                ax.plot(x, special[f"state/{name}"][()].reshape(len(special["kind"]), -1)[n, k], **style)
        if cycles and special["period"][n] > 0:
            axes[-1].plot(x, special["period"][n], **style)


def draw_lyapunov(path):
    """Exponents over the first condition with two standard errors, one line for each value of the others; how they settle."""
    with h5py.File(path, "r") as file:
        exponent, course, error = (variable(file[n]) for n in ("exponent", "course", "standard_error"))
    conditions = exponent.axes
    figure = Figure(figsize=(8.4 if conditions else 3.7, 3.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, 2 if conditions else 1))
    settling = course.values.reshape(-1, course.values.shape[-1])
    for n, values in enumerate(settling[:MOST_LINES]):
        axes[-1].plot(course.axes[-1].values, values, color=COLOURS[n % 7],
                      label=named(labelled(conditions, exponent.values.shape, n), values))
    axes[-1].set_xlabel(course.axes[-1].label)
    axes[-1].set_ylabel(with_units("mean growth so far", exponent.attributes.get("units")))
    if conditions:
        axes[-1].set_title("" if len(settling) <= MOST_LINES else f"first {MOST_LINES} of {len(settling)}")
        axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.02))
        first = conditions[0]
        rows, errors = (v.values.reshape(len(first.values), -1).T for v in (exponent, error))
        for n, (values, bars) in enumerate(zip(rows[:MOST_LINES], errors)):
            x, y, bars = ordered(first, values, bars)
            found = np.isfinite(y)
            axes[0].errorbar(x[found], y[found], yerr=2 * bars[found], fmt="o-", markersize=3, color=COLOURS[n % 7],
                             label=named(labelled(conditions[1:], exponent.values.shape[1:], n), values))
        axes[0].set_xlabel(first.label)
        axes[0].set_ylabel(exponent.label)
        set_ticks(axes[0].xaxis, first)
        lost = np.count_nonzero(np.isnan(rows))
        notes = [f"first {MOST_LINES} of {len(rows)}"] * (len(rows) > MOST_LINES)
        axes[0].set_title(", ".join(notes + [f"{lost} of {rows.size} not a number"] * (lost > 0)))
        if len(rows) > 1:
            axes[0].legend()
    for ax in axes:
        ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    return figure
