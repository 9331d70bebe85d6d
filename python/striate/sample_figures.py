"""The contact sheet of a training's data: images of samples with what else belongs to each."""

import h5py
import numpy as np
from matplotlib.figure import Figure

from .recording import variable

COLUMNS = 8
SIDE = 1.5  # of one image [inch]


def draw(path):
    with h5py.File(path) as file:
        shown = [variable(d) for d in file.values() if isinstance(d, h5py.Dataset) and not h5py.h5ds.is_scale(d.id)]
    images = [v for v in shown if v.values.ndim == 3]
    numbers = [v for v in shown if v.values.ndim == 1]
    if not images:
        return curves([v for v in shown if v.values.ndim == 2], numbers)
    count = len(images[0].values)
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(columns * SIDE, rows * len(images) * (SIDE + 0.2) + 0.4), layout="constrained")
    cells = figure.subplots(rows * len(images), columns, squeeze=False)
    for ax in cells.flat:
        ax.set_axis_off()
    for n, image in enumerate(images):  # each sample's images stand one below the other
        low, high = np.nanmin(image.values), np.nanmax(image.values)
        for sample in range(count):
            ax = cells[sample // columns * len(images) + n, sample % columns]
            ax.imshow(image.values[sample], cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            if n == 0:
                ax.set_title(f"{sample}" + "".join(f", {v.name} {v.values[sample]:.4g}" for v in numbers), fontsize=7)
            elif sample % columns == 0:
                ax.text(-0.06, 0.5, image.name, transform=ax.transAxes, rotation=90, fontsize=7, ha="right", va="center")
    return figure


def curves(rows, numbers):
    """Samples without images: their courses or rows, the first ones."""
    if not rows:
        raise ValueError("the samples are single numbers, which make no picture.")
    count = min(16, len(rows[0].values))
    figure = Figure(figsize=(11, 2.2 * -(-count // 4)), layout="constrained")
    for sample, ax in enumerate(figure.subplots(-(-count // 4), 4, squeeze=False).flat):
        ax.set_visible(sample < count)
        if sample < count:
            for v in rows:
                ax.plot(v.values[sample], label=v.name)
            ax.set_title(f"{sample}" + "".join(f", {v.name} {v.values[sample]:.4g}" for v in numbers), fontsize=7)
    return figure
