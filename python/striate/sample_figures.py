"""The contact sheet of a training's data: images of samples with what else belongs to each."""

import h5py
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figures import COLOURS, labelled
from .recording import variables_below, with_units

COLUMNS = 8
SIDE = 1.5  # of one image [inch]
LEAST_SIDE = 6  # of an image whose axes have other names than y and x
MOST_IMAGES = 96  # samples drawn as images
MOST_CURVES = 16  # samples drawn as lines


def draw(path):
    with h5py.File(path) as file:
        shown = variables_below(file)
    images = [(name, values) for v in shown if is_image(v) for name, values in frames(v)]
    numbers = [v for v in shown if v.values.ndim == 1]
    if images:
        return contact_sheet(images, numbers)
    rows = [v for v in shown if v.values.ndim > 1]
    if not rows:
        raise ValueError("the samples are single numbers, which make no picture.")
    return curves(rows, numbers)


def is_image(v):
    names = [a.name.rsplit("/", 1)[-1] for a in v.axes]
    return v.values.ndim >= 3 and (names[-2:] == ["y", "x"] or min(v.values.shape[-2:]) >= LEAST_SIDE)


def frames(v):
    """An image, or the first, middle and last of those along further axes, each [sample, y, x]."""
    stack = v.values.reshape(len(v.values), -1, *v.values.shape[-2:])
    count = stack.shape[1]
    if count == 1:
        return [(v.name, stack[:, 0])]
    return [(f"{v.name} {n + 1} of {count}", stack[:, n]) for n in sorted({0, count // 2, count - 1})]


def title(sample, numbers):
    return f"{sample}" + "".join(f", {v.name} {v.values[sample]:.4g}" for v in numbers)


def first(figure, count, of):
    """Says where not all samples are drawn."""
    if count < of:
        figure.suptitle(f"the first {count} of {of} samples", fontsize=8)


def contact_sheet(images, numbers):
    count = min(MOST_IMAGES, len(images[0][1]))
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * SIDE, rows * len(images) * (SIDE + 0.2) + 0.4), layout="constrained")
    first(figure, count, len(images[0][1]))
    cells = figure.subplots(rows * len(images), columns, squeeze=False)
    for ax in cells.flat:
        ax.set_axis_off()
    for n, (name, values) in enumerate(images):  # each sample's images stand one below the other
        low, high = np.nanmin(values), np.nanmax(values)
        for sample in range(count):
            ax = cells[sample // columns * len(images) + n, sample % columns]
            ax.imshow(values[sample], cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            if n == 0:
                ax.set_title(title(sample, numbers), fontsize=7)
            if sample % columns == 0 and len(images) > 1:
                ax.text(-0.06, 0.5, name, transform=ax.transAxes, rotation=90, fontsize=7, ha="right", va="center")
    return figure


def by_units(rows):
    """Those with one unit may share a panel."""
    together = {}
    for v in rows:
        together.setdefault(v.attributes.get("units", ""), []).append(v)
    return list(together.items())


def curves(rows, numbers):
    """Samples without images: their courses or rows, of the first ones, each sample's units one below the other."""
    count = min(MOST_CURVES, len(rows[0].values))
    columns, groups = min(4, count), by_units(rows)
    height = -(-count // columns) * len(groups)
    figure = Figure(figsize=(2.75 * columns, 2.2 * height + 0.3), layout="constrained")
    first(figure, count, len(rows[0].values))
    cells = figure.subplots(height, columns, squeeze=False)
    for ax in cells.flat:
        ax.set_visible(False)
    for sample in range(count):
        for g, (units, together) in enumerate(groups):
            ax = cells[sample // columns * len(groups) + g, sample % columns]
            ax.set_visible(True)
            draw_lines(ax, sample, together)
            if g == 0:
                ax.set_title(title(sample, numbers), fontsize=7)
            if sample % columns == 0:
                ax.set_ylabel(with_units(", ".join(v.name for v in together), units), fontsize=7)
            if sample == columns - 1 and len(ax.get_legend_handles_labels()[1]) > 1:
                ax.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.02))
    return figure


def draw_lines(ax, sample, together):
    """Few lines have colours and names of their own; of more, each variable has one."""
    lines = [(v, n, k, line) for n, v in enumerate(together)
             for k, line in enumerate(v.values[sample].reshape(len(v.values[sample]), -1).T)]
    for place, (v, n, k, line) in enumerate(lines):
        if len(lines) <= len(COLOURS):
            element = labelled(v.axes[2:], v.values.shape[2:], k)
            ax.plot(line, color=COLOURS[place], label=f"{v.name}, {element}" if element else v.name)
        else:
            ax.plot(line, color=COLOURS[n % 7], alpha=1 if k == 0 else 0.4, label=v.name if k == 0 else None)
    ax.set_xlabel(" or ".join(dict.fromkeys(v.axes[1].name.rsplit("/", 1)[-1] for v in together)), fontsize=7)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.tick_params(labelsize=7)
