"""The picture of a training: learning curves, kernels, and what the trained circuit does on examples."""

import h5py
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figures import COLOURS, DATA, MODEL, labelled, say, wrapped
from .recording import axis_from, variable, variables_below

MOST_SLICES = 24  # of one kernel
MOST_STEPS = 9
NEARLY_ALL = 0.99  # of the places, the stronger ones have the colour of the last
LEAST_SIDE = 8  # of a picture, in its elements
MOST_CHANNELS = 12
MOST_LINES = 6  # examples drawn as lines
DECADES = 1e3  # losses that span more are drawn on a logarithmic axis
WIDTH = 11.0  # [inch]
OF_FIXED_POINTS = ("penalty", "spectral_radius", "forward_residual", "products")


def draw(path):
    with h5py.File(path, "r") as file:
        bands = [Curves(file), *fixed_points(file.get("curves", {}))]
        bands += [Kernels(k) for k in kernels(file.get("parameters", {}))]
        bands += examples(file)
    figure = Figure(figsize=(WIDTH, sum(b.height for b in bands) + 0.4), layout="constrained")
    cells = figure.subfigures(len(bands), 1, height_ratios=[b.height for b in bands], squeeze=False)[:, 0]
    for cell, band in zip(cells, bands):
        band.draw(cell)
    return figure


class Curves:
    """Loss of every update and of held-out samples; their other measures; norm of the gradient."""

    height = 2.4

    def __init__(self, file):
        self.curves = {n: variable(d) for n, d in file.get("curves", {}).items()}
        self.kept = file["checkpoint"].attrs["best_update"] if "checkpoint" in file else None

    def draw(self, cell):
        measures = [v for n, v in self.curves.items() if n.startswith("held_out_") and n != "held_out_loss"]
        left, *middle, right = cell.subplots(1, 3 if measures else 2)
        if "loss" in self.curves:
            self.line(left, self.curves["loss"], "learning", MODEL)
            self.line(right, self.curves["gradient_norm"], "norm of the gradient", COLOURS[2])
            if (self.curves["gradient_norm"].values > 0).any():
                right.set_yscale("log")
        if "held_out_loss" in self.curves:
            v = self.curves["held_out_loss"]
            left.plot(v.axes[0].values, v.values, "o-", color=DATA, markersize=3, label="held out")
        losses = np.concatenate([self.curves[n].values for n in ("loss", "held_out_loss") if n in self.curves] or [[]])
        if losses.size and losses.min() > 0 and losses.max() > DECADES * losses.min():
            left.set_yscale("log")
        left.set_ylabel("loss")
        if losses.size:
            left.legend()
        else:
            say(left, "no update yet")
        if "loss" not in self.curves:
            say(right, "no update yet")
        right.set_ylabel("norm of the gradient")
        for n, v in enumerate(measures):
            middle[0].plot(v.axes[0].values, v.values, "o-", color=COLOURS[n % 7], markersize=3, label=self.of_kept(v))
        for ax in middle:
            ax.set_ylabel("held-out samples")
            ax.legend()
        for ax in (left, *middle, right):
            ax.set_xlabel("update")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    def of_kept(self, v):
        """The name of a measure with its value for the parameters that were kept, those of the lowest held-out loss."""
        name, at = v.name.removeprefix("held_out_"), np.flatnonzero(v.axes[0].values == self.kept)
        return f"{name}: {v.values[at[-1]]:.3f} of the kept" if at.size else name

    @staticmethod
    def line(ax, v, label, colour):
        """The values, faint, and their running median."""
        x, y = v.axes[0].values, v.values
        window = max(1, len(y) // 50)
        ends = range(0, len(y), window)
        ax.plot(x, y, color=colour, alpha=0.25, linewidth=0.6)
        ax.plot([x[min(i + window // 2, len(x) - 1)] for i in ends], [np.median(y[i:i + window]) for i in ends],
                color=colour, label=label, marker="o" if len(y) == 1 else "")


class FixedPoints:
    """How the fixed points of every update were found, and what held them stable."""

    height = 1.9

    def __init__(self, curves):
        self.curves = curves

    def draw(self, cell):
        for ax, v in zip(cell.subplots(1, len(self.curves), squeeze=False)[0], self.curves):
            ax.plot(v.axes[0].values, v.values, color=MODEL, linewidth=1)
            ax.set(xlabel="update", ylabel=v.name.replace("_", " "))
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def fixed_points(curves):
    shown = [variable(curves[n]) for n in OF_FIXED_POINTS if n in curves]
    return [FixedPoints(shown)] if shown else []


def kernels(parameters):
    """Parameters over two axes of space."""
    for name, dataset in parameters.items():
        if dataset.ndim >= 2 and min(dataset.shape[-2:]) >= 3 and dataset.ndim >= 3:
            yield variable(dataset)


class Kernels:
    """The slices of a kernel with the largest norms, on one scale, in their own order."""

    def __init__(self, kernel):
        self.name = kernel.name
        self.axes = kernel.axes[:-2]
        slices = kernel.values.reshape(-1, *kernel.values.shape[-2:])
        norms = np.sqrt((slices**2).sum((1, 2)))
        self.shown = np.sort(np.argsort(norms)[::-1][:MOST_SLICES])
        self.slices, self.total = slices[self.shown], len(slices)
        self.columns = min(12, len(self.shown))
        self.rows = -(-len(self.shown) // self.columns)
        self.height = 0.5 + 1.05 * self.rows

    def draw(self, cell):
        axes = np.atleast_1d(cell.subplots(self.rows, self.columns, squeeze=False)).ravel()
        bound = np.abs(self.slices).max() or 1.0
        for n, ax in enumerate(axes):
            ax.set_axis_off()
            if n < len(self.shown):
                ax.imshow(self.slices[n], cmap="RdBu_r", vmin=-bound, vmax=bound)
                index = np.unravel_index(self.shown[n], [len(a.values) for a in self.axes])
                ax.set_title(",".join(str(i) for i in index), fontsize=6, pad=2)
        some = "" if self.total <= len(self.shown) else f", the {len(self.shown)} strongest of {self.total}"
        names = ", ".join(a.name for a in self.axes)
        cell.suptitle(f"{self.name} [{names}]{some}; full colour is ±{bound:.3g}", fontsize=9)


def examples(file):
    group = file.get("examples")
    if group is None:
        return []
    data = {v.name: v for v in variables_below(group["data"])} if "data" in group else {}
    courses = [variable(d) for d in group.get("courses", {}).values()]
    numbers = axis_from(file["example"]).values
    images = [v for v in data.values() if v.values.ndim == 3 and min(v.values.shape[1:]) >= LEAST_SIDE]
    labels = {n: v for n, v in data.items() if v.values.ndim == 1}
    bands = []
    for course in courses:
        space = plane(course, images)
        bands.append(Images(course, space, images, labels, numbers) if space else Lines(course, labels, numbers))
    return bands


def plane(course, images):
    """The places of the two axes over which a course is a picture: y and x, or the last two where they are an image's, pooled."""
    names = [a.name for a in course.axes]
    if "y" in names and "x" in names:
        return names.index("y"), names.index("x")
    rows, columns = course.values.shape[-2:]
    pooled = any(rows * image.values.shape[2] == columns * image.values.shape[1] for image in images)
    return (len(names) - 2, len(names) - 1) if len(names) >= 4 and pooled and min(rows, columns) >= LEAST_SIDE else None


def title(labels, numbers, example):
    return ", ".join([f"sample {numbers[example]:.0f}"] + [f"{n} {v.values[example]:.3g}" for n, v in labels.items()])


class Images:
    """Each example in a row: what was shown, then the state, or its strength over further axes, step by step."""

    def __init__(self, course, space, images, labels, numbers):
        over = tuple(i for i in range(2, course.values.ndim) if i not in space)
        self.name, self.images, self.labels, self.numbers = course.name, images, labels, numbers
        self.strength = np.sqrt((course.values**2).mean(over)) if over else course.values
        self.what = "root mean square over its other axes, " if over else ""
        steps = self.strength.shape[1]
        self.steps = np.unique(np.linspace(1, steps - 1, min(MOST_STEPS, steps - 1)).round().astype(int))
        self.height = 0.4 + 1.15 * len(self.strength)

    def draw(self, cell):
        count = len(self.images)
        axes = cell.subplots(len(self.strength), count + len(self.steps), squeeze=False)
        top = np.quantile(np.abs(self.strength[:, self.steps]), NEARLY_ALL) or 1.0
        signed = self.strength.min() < 0
        colours = {"cmap": "RdBu_r" if signed else "viridis", "vmin": -top if signed else 0, "vmax": top}
        for e, row in enumerate(axes):
            for ax, image in zip(row, self.images):
                ax.imshow(image.values[e], cmap="gray", vmin=image.values.min(), vmax=image.values.max())
                ax.set_title(title(self.labels, self.numbers, e) if image is self.images[0] else image.name, fontsize=7)
            for ax, n in zip(row[count:], self.steps):
                ax.imshow(self.strength[e, n], **colours)
                ax.set_title(f"step {n}", fontsize=7)
            for ax in row:
                ax.set_axis_off()
        cell.suptitle(f"{self.name}: {self.what}{'±' if signed else ''}{top:.3g} and more in full colour", fontsize=9)


class Lines:
    """The course of a small state for each example: its first elements, of the first examples."""

    height = 2.1

    def __init__(self, course, labels, numbers):
        self.name, self.label, self.labels, self.numbers = course.name, course.label, labels, numbers
        values = course.values.reshape(*course.values.shape[:2], -1)
        self.values = values[:MOST_LINES, ..., :MOST_CHANNELS]
        self.names = [labelled(course.axes[2:], course.values.shape[2:], k) for k in range(self.values.shape[2])]
        some = [f"{shown} of {all_of} {what}" for shown, all_of, what in
                ((self.values.shape[2], values.shape[2], "elements"), (len(self.values), len(values), "examples"))
                if shown < all_of]
        self.note = f"{self.name}: the first {' and '.join(some)}" if some else ""

    def draw(self, cell):
        axes = cell.subplots(1, len(self.values), squeeze=False, sharey=True)[0]
        for e, ax in enumerate(axes):
            for k in range(self.values.shape[2]):
                ax.plot(self.values[e, :, k], color=COLOURS[k % 7], linewidth=1, label=self.names[k])
            ax.set_title(title(self.labels, self.numbers, e), fontsize=7)
            ax.set_xlabel("step")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes[0].set_ylabel(wrapped(self.label))
        if 1 < len(self.names) <= len(COLOURS):
            axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.02))
        if self.note:
            cell.suptitle(self.note, fontsize=9)
