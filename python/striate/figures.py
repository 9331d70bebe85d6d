"""Figures of recordings: what is drawn follows from what the file holds."""

import contextlib
import dataclasses
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, MaxNLocator, MultipleLocator

from .recording import Axis, Published, Recording, Variable, read

STYLE = {
    "font.family": "sans-serif", "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8,
    "xtick.labelsize": 8, "ytick.labelsize": 8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.formatter.useoffset": False, "axes.linewidth": 0.8, "lines.linewidth": 1.6, "lines.markersize": 4.5, "legend.frameon": False,
    "image.cmap": "viridis", "svg.fonttype": "none", "pdf.fonttype": 42, "savefig.dpi": 200,
}
# Okabe & Ito's colours, distinct in every common kind of colour vision.
MODEL, DATA = "#0072B2", "#D55E00"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LENGTHS = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0.8, 0, 256)))  # without what is pale on white
DATA_MARKERS = ["o", "s", "^", "D"]
MOST_LINES = 10
MOST_PANELS = 49
MOST_PIXELS = 300  # of one side of a map of powers
WIDTH, HEIGHT = 3.6, 2.7  # of one panel [inch]
PAGE = 14.0  # the widest row of pictures [inch]


def draw(path):
    from . import spike_figures  # which stands on this module

    recording = read(path)
    with matplotlib.rc_context(STYLE):
        kind = recording.attributes.get("kind")
        if kind == "training":
            from . import training_figures  # which stands on this module

            figure = training_figures.draw(path)
        elif kind == "samples":
            from . import sample_figures

            figure = sample_figures.draw(path)
        elif kind == "phase_response":
            from . import dynamics_figures

            figure = dynamics_figures.draw(path)
        elif kind == "branches":
            from . import dynamics_figures

            figure = dynamics_figures.draw_branches(path)
        elif kind == "lyapunov":
            from . import dynamics_figures

            figure = dynamics_figures.draw_lyapunov(path)
        elif recording.analyses:
            figure = draw_all(pictures(recording, recording.analyses))
        elif spike_figures.has_spikes(path):
            figure = draw_all([spike_figures.Spikes(path), *pictures(recording, joined(recording.variables))])
        elif recording.variables:
            figure = draw_all(pictures(recording, joined(recording.variables)))
        else:
            reason = "nothing was recorded and nothing spiked." if recording.complete else "it was stopped before its first output."
            raise ValueError(f"{path}: holds no variables and no analyses: {reason}")
        title = recording.title
        notes = ["" if recording.complete else "incomplete: the run was stopped", recording.failed]
        if any(notes):
            title = f"{title} ({'; '.join(filter(None, notes))})".strip()
        for ax in figure.findobj(matplotlib.axes.Axes):
            thin_ticks(ax)
        if title:
            title = textwrap.fill(title, int(11 * figure.get_figwidth()))
            figure.suptitle(title, fontsize=11, x=0.01, ha="left", weight="bold")
        for text in figure.findobj(matplotlib.text.Text):
            if "$" in text.get_text() and "mathdefault" not in text.get_text():  # the file's, and no formula
                text.set_parse_math(False)
    return figure


def widened(low, high):
    """Limits of colours, apart also where nothing differs by more than errors of integration."""
    size = max(abs(low), abs(high))
    return (low, high) if high - low > 1e-7 * size else (low - 1e-2 * (size or 1), high + 1e-2 * (size or 1))


def show_rounding_flat(ax):
    """Differences of a ten-millionth are errors of integration: lines that have no others look constant."""
    if ax.get_lines() and ax.get_yscale() == "linear":
        low, high = ax.get_ylim()
        size = max(abs(low), abs(high))
        if 0 < abs(high - low) < 1e-7 * size:
            ax.set_ylim((low + high) / 2 - 1e-2 * size, (low + high) / 2 + 1e-2 * size)
    for image in [*ax.images, *(c for c in ax.collections if c.get_array() is not None)]:
        if None not in image.get_clim():
            image.set_clim(widened(*image.get_clim()))


def thin_ticks(ax):
    """Long numbers stand apart."""
    if isinstance(ax.xaxis.get_major_locator(), AutoLocator) and max(map(abs, ax.get_xlim())) >= 1e4:
        ax.xaxis.set_major_locator(MaxNLocator(4))


def set_ticks(which, axis):
    """Ticks at values that have names, or at whole numbers where all values are."""
    finite = axis.values[np.isfinite(axis.values)] if axis.numeric else np.arange(len(axis.values))
    if axis.meanings or not axis.numeric:
        names = [axis.text(i) for i in range(len(axis.values)) if not axis.numeric or np.isfinite(axis.values[i])]
        which.set_ticks(finite, labels=names)
    elif axis.units in ("", "1") and (finite == np.round(finite)).all():
        which.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def save(figure, path):
    """Writes the figure whole or not at all."""
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    for ax in figure.get_axes():
        show_rounding_flat(ax)
    try:
        with matplotlib.rc_context(STYLE):
            figure.savefig(part, format=path.suffix[1:])
        part.replace(path)
    except ValueError as reason:  # an unknown ending
        raise ValueError(f"{path}: {reason}") from None
    except OSError as reason:
        raise OSError(reason.errno, f"{path}: the picture cannot be written: {reason.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def pictures(recording: Recording, variables):
    variables = list(variables)
    if not recording.complete:
        variables = [up_to_the_end(v) for v in variables]
        for v in variables:
            v.attributes["incomplete"] = True
    numbers = [v for v in variables if not v.axes]
    drawn = [picture(v, recording.published.get(v.name, [])) for v in variables if v.axes]
    return [*drawn, Numbers(numbers)] if numbers else drawn


def up_to_the_end(variable):
    """Without the times that no condition of a stopped run reached."""
    t = variable.axis("t")
    if t is None:
        return variable
    reached = np.flatnonzero(np.isfinite(np.moveaxis(variable.values, t, 0)).reshape(len(variable.axes[t].values), -1).any(1))
    times = np.arange(reached[-1] + 1 if reached.size else len(variable.axes[t].values))
    axes = [*variable.axes[:t], dataclasses.replace(variable.axes[t], values=variable.axes[t].values[times]), *variable.axes[t + 1 :]]
    return Variable(variable.name, np.take(variable.values, times, t), axes, variable.attributes)


def draw_all(parts):
    """A figure of all parts, each of a width and a height and drawn into a figure of its own, in rows as wide as a page."""
    rows = []
    for p in parts:
        if rows and sum(other.width for other in rows[-1]) + p.width <= PAGE:
            rows[-1].append(p)
        else:
            rows.append([p])
    width = max(sum(p.width for p in row) for row in rows)
    heights = [max(p.height for p in row) for row in rows]
    figure = Figure(figsize=(width, sum(heights) + 0.35), layout="constrained")
    bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for band, row in zip(bands, rows):
        widths = [p.width for p in row]
        if width - sum(widths) > 0.1:
            widths.append(width - sum(widths))
        cells = band.subfigures(1, len(widths), width_ratios=widths, squeeze=False)[0]
        for cell, p in zip(cells, row):
            rest = max(other.height for other in row) - p.height
            if rest > p.height:  # less than half as high as its neighbours: it stays at the top
                cell = cell.subfigures(2, 1, height_ratios=[p.height, rest])[0]
            p.draw(cell)
    return figure


def joined(variables):
    """Courses of single numbers in one unit become lines of one picture."""
    courses = {}
    for v in variables:
        v = squeezed(v)
        if [a.name for a in v.axes] == ["t"]:
            courses.setdefault(v.attributes.get("units", "1"), []).append(v)
    together = {v.name: group for group in courses.values() if 1 < len(group) <= MOST_LINES for v in group}
    for v in variables:
        group = together.get(v.name)
        if group is None:
            yield v
        elif v.name == group[0].name:
            names = Axis("variable", np.array([g.attributes.get("long_name") or g.name for g in group]), "")
            units = v.attributes.get("units", "1")
            yield Variable(", ".join(g.name for g in group), np.stack([g.values for g in group]),
                           [names, group[0].axes[0]], {"units": units})


class Picture:
    """One variable: a grid of panels of one kind."""

    rows, columns = 1, 1
    models = 1  # lines of the legend beside those of the data
    panel_width, panel_height = WIDTH, HEIGHT

    def __init__(self, variable: Variable, published=()):
        self.variable, self.published = variable, list(published)
        a = variable.attributes
        self.y_label = (f"{a['y_label']} ({a['units']})" if a.get("units", "1") != "1" and a.get("y_label")
                        else a.get("y_label") or variable.label)

    @property
    def width(self):
        return self.panel_width * self.columns

    @property
    def height(self):
        return self.panel_height * self.rows + 0.2 + self.foot

    @property
    def foot(self):
        """Room below the panels for the legend with the citations [inch]."""
        if not self.published:
            return 0.0
        return 0.2 + 0.15 * (sum(len(self.citation(p).splitlines()) for p in self.published) + self.models)

    def citation(self, data):
        return "\n".join(textwrap.wrap(data.source or "published data", int(13.5 * self.width)))

    def body(self, cell):
        """The part of the cell for panels; a legend goes below it by `close`."""
        if not self.published:
            return cell
        body, self.bottom = cell.subfigures(2, 1, height_ratios=[self.height - self.foot, self.foot])
        return body

    def close(self, axes):
        handles, labels = max((ax.get_legend_handles_labels() for ax in axes), key=lambda entry: len(entry[1]))
        if self.published:
            self.bottom.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.06, 1.0), borderaxespad=0)

    def score(self):
        a = self.variable.attributes
        units = a.get("units", "1")
        parts = []
        if "r" in a:
            parts.append(("mean r" if a.get("panels", 1) > 1 else "r") + f" = {a['r']:.3f}")
        if "r2" in a and a.get("panels", 1) > 1:
            parts.append(f"mean r² = {a['r2']:.3f}")
        if "rms" in a:
            parts.append(f"rms = {a['rms']:.3g}" + (f" {units}" if units != "1" else ""))
        return ", ".join(parts)

    def heading(self, cell):
        a = self.variable.attributes
        name = self.variable.name
        if "y_label" in a:  # an analysis, whose name is words
            name = name.replace("_", " ")
        if "only" in a:
            name += f", only {a['only']}"
        score = self.score()
        cell.suptitle(textwrap.fill(f"{name}: {score}" if score else name, int(14 * self.width)), fontsize=9)

    @property
    def nothing(self):
        """Why a panel or a line is empty."""
        return "not run" if "incomplete" in self.variable.attributes else "not a number\neverywhere"

    def draw(self, cell):
        raise NotImplementedError


def at(axis, index):
    """A place on an axis, in words: "contrast 5 %", or the meaning alone."""
    return axis.text(index) if axis.meanings else f"{axis.word} {axis.text(index, units=True)}"


def labelled(axes, shape, n):
    """The values of the conditions at a flat index."""
    place = np.unravel_index(n, shape) if shape else ()
    return ", ".join(at(a, i) for a, i in zip(axes, place))


def say(ax, text):
    """A panel without anything to draw says why."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=9, color="0.4")


def wrapped(label, panels=1):
    """A label in lines that fit beside or below one panel of as many in a row."""
    return textwrap.fill(label, 34 if panels == 1 else 15)


def named(name, y, why="not a number"):
    """The name of a line, which says where nothing of it is drawn."""
    return name if np.isfinite(y).any() else f"{name}: {why}"


def ordered(axis, *columns):
    """Finite abscissae in ascending order with their columns."""
    keep = np.isfinite(axis.values)
    order = np.argsort(axis.values[keep], kind="stable")
    return (axis.values[keep][order], *(c[keep][order] for c in columns))


def broken_at_turns(x, y, turn):
    """A line on a circle, `turn` from where to where, with gaps where it jumps by more than half a turn."""
    if turn is None:
        return x, y
    jumps = np.flatnonzero(np.abs(np.diff(y)) > (turn[1] - turn[0]) / 2) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)


def draw_published(ax, data: Published, n, label):
    ax.plot(data.x, data.y, DATA_MARKERS[n % 4], color=DATA if n == 0 else COLOURS[(n + 2) % 7],
            markerfacecolor="white", markeredgewidth=1.2, label=label, zorder=3)


def mark_zero(ax, values):
    """A line at zero between the values; below those that begin not far above it, zero as the axis's foot."""
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() < 0 < finite.max():
        ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    elif finite.size and 0 <= finite.min() < 0.5 * finite.max():
        ax.set_ylim(bottom=0)


def mark_angles(ax, axis):
    """Ticks that divide a circle evenly."""
    if not axis.numeric or axis.units != "deg":
        return
    finite = axis.values[np.isfinite(axis.values)]
    span = np.ptp(finite) if finite.size else 0
    if span >= 60:
        step = 15 if span < 90 else 30 if span <= 135 else 45 if span <= 225 else 90
        ax.xaxis.set_major_locator(MultipleLocator(step))


class Curves(Picture):
    """Lines over one numeric axis; other axes become lines of one panel, or panels where data stand beside each."""

    def __init__(self, variable, x, published=()):
        super().__init__(variable, published)
        self.amplitude = float(variable.attributes.get("amplitude", 1))
        self.codes = variable.attributes.get("kind") == "codes"  # points at whole numbers
        values = self.amplitude * np.moveaxis(variable.values, x, -1)
        self.x = variable.axes[x]
        self.others = [a for i, a in enumerate(variable.axes) if i != x]
        paneled = [i for i, a in enumerate(self.others) if any(a.name in p.keys for p in self.published)]
        if not paneled and len(self.others) > 1:
            paneled = list(range(len(self.others) - 1))
        lines = [i for i in range(len(self.others)) if i not in paneled]
        self.values = values.transpose([*paneled, *lines, -1 % values.ndim])
        self.panel_axes = [self.others[i] for i in paneled]
        self.line_axes = [self.others[i] for i in lines]
        shape = [len(a.values) for a in self.panel_axes]
        if len(shape) >= 2:
            self.columns = shape[-1]
            self.rows = int(np.prod(shape[:-1]))
        elif shape:
            self.columns = min(shape[0], 4 if shape[0] % 4 == 0 or shape[0] > 6 else 3)
            self.rows = -(-shape[0] // self.columns)
        self.panels = int(np.prod(shape)) if shape else 1
        self.models = max(1, int(np.prod([len(a.values) for a in self.line_axes])))
        if self.x.numeric and not np.isfinite(self.x.values).all():
            self.models += 1
        self.keyed = bool(self.line_axes) and len(self.line_axes[0].values) > 1 and not self.published
        if self.panels > 1:
            self.panel_width, self.panel_height = (1.75, 1.45) if self.panels > 9 else (2.3, 1.9)

    @property
    def width(self):
        return super().width + (1.3 if self.keyed else 0)  # room for the legend of the lines

    def draw(self, cell):
        cell = self.body(cell)
        axes = cell.subplots(self.rows, self.columns, squeeze=False, sharex=True, sharey=True)
        flat = self.values.reshape(self.panels, -1, len(self.x.values))
        for n, ax in enumerate(axes.ravel()):
            if n >= self.panels:
                ax.set_visible(False)
                continue
            index = np.unravel_index(n, [len(a.values) for a in self.panel_axes]) if self.panel_axes else ()
            data = self.published
            for a, i in zip(self.panel_axes, index):
                data = [p.at(a.name, a.values[i]) if a.numeric else p for p in data]
            self.draw_panel(ax, flat[n], data)
            if self.panels > 1:
                ax.set_title(", ".join(at(a, i) for a, i in zip(self.panel_axes, index)), fontsize=7)
            if not np.isfinite(flat[n]).any():
                say(ax, self.nothing)
        shown = np.concatenate([self.values.ravel(), *[p.y for p in self.published]])
        for ax in axes.ravel()[: self.panels]:
            if ax.get_yscale() == "linear":
                mark_zero(ax, shown)
            set_ticks(ax.xaxis, self.x)
            if self.codes:
                ax.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            mark_angles(ax, self.x)
            for n, t in enumerate(self.x.marks):
                ax.axvline(t, color="0.6", linestyle=(0, (2, 2)), linewidth=0.8, zorder=0,
                           label="stimulus changes" if n == 0 else None)
        self.heading(cell)
        if self.panels > 1:
            cell.supxlabel(self.x.label, fontsize=9)
            cell.supylabel(wrapped(self.y_label), fontsize=9)
            for n in range(self.panels, axes.size):  # the panel above an empty place shows its own abscissae
                axes.ravel()[n - self.columns].tick_params(labelbottom=True)
        else:
            axes[0, 0].set_xlabel(wrapped(self.x.label))
            axes[0, 0].set_ylabel(wrapped(self.y_label))
        self.close(axes.ravel()[: self.panels])
        corner = axes[0, -1]
        handles, labels = corner.get_legend_handles_labels()
        if self.keyed:
            title = "\n".join(textwrap.wrap(", ".join(a.label for a in self.line_axes), 24))
            corner.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.0, 1.02), title=title, title_fontsize=8,
                          alignment="left")
        elif not self.published and any(label.startswith("dotted") for label in labels):
            corner.legend(*zip(*[(h, label) for h, label in zip(handles, labels) if label != "model"]))

    def draw_panel(self, ax, lines, data):
        if self.variable.attributes.get("kind") == "spectrum" and (lines > 0).any():
            ax.set_yscale("log")
            ax.set_ylim(1e-6 * np.nanmax(self.values), 3 * np.nanmax(self.values))
        names = self.line_names(len(lines))
        colours = [c for c in COLOURS if c != DATA] if self.published else COLOURS
        for k, y in enumerate(lines):
            if len(lines) > 1:
                names[k] = named(names[k], y, self.nothing.splitlines()[0])
            without = y[~np.isfinite(self.x.values)] if self.x.numeric else []
            x, y = broken_at_turns(*ordered(self.x, y), self.variable.attributes.get("valid_range"))
            colour = colours[k] if len(lines) <= 4 else matplotlib.colormaps["viridis"](0.92 * k / (len(lines) - 1))
            marker = "o" if self.codes or np.isfinite(x).sum() <= 25 else ""
            colour = MODEL if len(lines) == 1 else colour
            style = dict(linestyle="none" if self.codes else "-", marker=marker, markersize=3)
            ax.plot(x, y, color=colour, label=names[k], **style)
            for level in without:
                note = f"{'model' if self.published and len(lines) == 1 else 'dotted'}: no {self.x.name.replace('_', ' ')}"
                note = note if k == len(lines) - 1 else None
                ax.axhline(level, color=colour, linestyle=":", linewidth=1.1, label=note)
        for n, p in enumerate(data):
            if p.x.size:
                draw_published(ax, p, n, self.citation(p))

    def line_names(self, count):
        if not self.line_axes or count == 1:
            return ["model" if self.amplitude == 1 else f"model, times {self.amplitude:.3g}"] * count
        shape = [len(a.values) for a in self.line_axes]
        places = [list(zip(self.line_axes, np.unravel_index(k, shape))) for k in range(count)]
        if self.published:  # no legend of their own, so each says what it is
            return ["model, " + ", ".join(at(a, i) for a, i in place) for place in places]
        return [", ".join(a.text(i) for a, i in place) for place in places]


def bar_of_image(ax, mapped, label):
    """A colour bar as high as the image in a panel."""
    ax.figure.colorbar(mapped, cax=ax.inset_axes([1.04, 0, 0.05, 1], label="<colorbar>"), label=label)


class Map(Picture):
    """Images over two axes (rows, columns), one panel for each element of a remaining axis."""

    def __init__(self, variable, rows, columns, panel=None):
        super().__init__(variable)
        variable = ascending(ascending(variable, rows), columns)
        self.row_axis, self.column_axis = variable.axes[rows], variable.axes[columns]
        self.panel_axis = variable.axes[panel] if panel is not None else None
        order = ([panel] if panel is not None else []) + [rows, columns]
        self.values = variable.values.transpose(order).reshape(-1, len(self.row_axis.values), len(self.column_axis.values))
        self.shown = np.unique(np.linspace(0, len(self.values) - 1, min(len(self.values), 12)).round().astype(int))
        self.columns = min(4, len(self.shown))
        self.rows = -(-len(self.shown) // self.columns)
        if len(self.shown) > 1:
            self.panel_width, self.panel_height = 1.9, 1.75
        self.image = self.row_axis.name == "y" and self.column_axis.name == "x"
        if self.image:  # no higher than its places, which are square, and what stands below them
            high = len(self.row_axis.values) / len(self.column_axis.values) * (self.panel_width - 0.5)
            self.panel_height = min(2.05 if len(self.shown) > 1 else self.panel_height, high + 0.9)
        if self.columns > 1:  # titles of panels stand below the heading
            self.panel_height += 0.15 / self.rows

    def draw(self, cell):
        axes = cell.subplots(self.rows, self.columns, squeeze=False, sharex=True, sharey=True)
        finite = self.values[np.isfinite(self.values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0, 1)
        signed = low < 0 < high
        low, high, colours = (-max(-low, high), max(-low, high), "RdBu_r") if signed else (*widened(low, high), None)
        if "valid_range" in self.variable.attributes:  # a circle
            low, high, colours = *self.variable.attributes["valid_range"], "twilight"
        for n, ax in enumerate(axes.ravel()):
            if n >= len(self.shown):
                ax.set_visible(False)
                continue
            i = self.shown[n]
            mesh = ax.pcolormesh(edges(self.column_axis), edges(self.row_axis), self.values[i], rasterized=True,
                                 vmin=low, vmax=high, cmap=colours)
            for axis, which in ((self.column_axis, ax.xaxis), (self.row_axis, ax.yaxis)):
                set_cell_ticks(which, axis)
            if self.column_axis.name == "t" and len(self.column_axis.values) > 1:
                ax.set_xlim(self.column_axis.values[0], self.column_axis.values[-1])
            if not np.isfinite(self.values[i]).any():
                say(ax, self.nothing)
            if self.image:
                ax.set_aspect("equal")
            if self.panel_axis is not None:
                ax.set_title(at(self.panel_axis, i), fontsize=7)
            for side in ("top", "right"):
                ax.spines[side].set_visible(True)
        if self.image:  # the first row on top; the panels share the axis
            axes[0, 0].invert_yaxis()
        for n in range(len(self.shown)):
            if n % self.columns == 0:
                axes.ravel()[n].set_ylabel(wrapped(self.row_axis.label, len(self.shown)))
            if n + self.columns >= len(self.shown):
                axes.ravel()[n].set_xlabel(wrapped(self.column_axis.label, self.columns))
                axes.ravel()[n].tick_params(labelbottom=True)
        if self.image:
            bar_of_image(axes[0, -1], mesh, wrapped(self.y_label, len(self.shown)))
        else:
            ticks = MaxNLocator(integer=True) if self.variable.attributes.get("kind") == "codes" else None
            cell.colorbar(mesh, ax=axes, label=wrapped(self.y_label), shrink=0.9, aspect=25, ticks=ticks)
        self.heading(cell)


class Arrows(Picture):
    """Vectors over a sheet, coloured by their length, or along a line; one panel for each element of a first axis."""

    def __init__(self, variable):
        super().__init__(variable)
        self.panel_axis = variable.axes[0] if len(variable.axes) == 4 else None
        panels = variable.values if self.panel_axis is not None else variable.values[None]
        self.shown = np.unique(np.linspace(0, len(panels) - 1, min(len(panels), 6)).round().astype(int))
        self.panels = panels[self.shown]
        self.columns = min(3, len(self.shown))
        self.rows = -(-len(self.shown) // self.columns)

    def draw(self, cell):
        axes = cell.subplots(self.rows, self.columns, squeeze=False, sharex=True, sharey=True)
        rows, columns = self.variable.axes[-3], self.variable.axes[-2]
        length = np.hypot(self.panels[..., 0], self.panels[..., 1])
        longest = np.nanmax(length) if np.isfinite(length).any() else 1.0
        for n, ax in enumerate(axes.ravel()):
            if n >= len(self.shown):
                ax.set_visible(False)
                continue
            size = np.where(length[n] > 0, length[n], 1)
            arrows = ax.quiver(columns.values, rows.values, self.panels[n, ..., 0] / size, self.panels[n, ..., 1] / size,
                               length[n], cmap=LENGTHS, clim=(0, longest), angles="xy", pivot="mid",
                               scale=1.15 * len(columns.values))
            ax.set_aspect("equal")
            if self.panel_axis is not None:
                ax.set_title(at(self.panel_axis, self.shown[n]), fontsize=7)
            if n % self.columns == 0:
                ax.set_ylabel(wrapped(rows.label, len(self.shown)))
            if n + self.columns >= len(self.shown):
                ax.set_xlabel(wrapped(columns.label, self.columns))
                ax.tick_params(labelbottom=True)
        axes[0, 0].invert_yaxis()
        bar_of_image(axes[0, -1], arrows, wrapped(self.y_label, len(self.shown)))
        self.heading(cell)


def ascending(variable, which):
    """With the values of an axis in ascending order, what has none last."""
    axis = variable.axes[which]
    if not axis.numeric or axis.meanings:
        return variable
    order = np.argsort(axis.values, kind="stable")
    axes = [*variable.axes[:which], dataclasses.replace(axis, values=axis.values[order]), *variable.axes[which + 1 :]]
    return Variable(variable.name, np.take(variable.values, order, which), axes, variable.attributes)


def places(axis):
    """Where cells lie: at their values, what has none one step beyond the last; what has a name one after the other."""
    if not axis.numeric or axis.meanings:
        return np.arange(len(axis.values), dtype=float)
    v = axis.values.astype(float)
    known = v[np.isfinite(v)]
    step = known[-1] - known[-2] if len(known) > 1 else 1.0
    v[len(known) :] = (known[-1] if len(known) else 0) + step * np.arange(1, len(v) - len(known) + 1)
    return v


def set_cell_ticks(which, axis):
    v = places(axis)
    if not axis.numeric or axis.meanings:
        which.set_ticks(v, labels=[axis.text(i) for i in range(len(v))])
    elif np.isfinite(axis.values).all():
        set_ticks(which, axis)
    else:
        known = np.flatnonzero(np.isfinite(axis.values))
        ticks = [*known[:: len(known) // 6 + 1], *range(len(known), len(v))]
        which.set_ticks(v[ticks], labels=[axis.text(i) for i in ticks])


def edges(axis):
    """Borders of the cells around the coordinates."""
    v = places(axis)
    if len(v) == 1:
        return np.array([v[0] - 0.5, v[0] + 0.5])
    middle = (v[1:] + v[:-1]) / 2
    return np.concatenate([[2 * v[0] - middle[0]], middle, [2 * v[-1] - middle[-1]]])


class Bars(Picture):
    """One value for each name; data beside as points."""

    def draw(self, cell):
        cell = self.body(cell)
        ax = cell.subplots()
        axis, y = self.variable.axes[0], self.variable.values
        ax.bar(np.arange(len(y)), y, width=0.7, color=MODEL, label="model")
        for n, p in enumerate(self.published):
            at = [int(np.argmin(np.abs(axis.values - x))) for x in p.x] if axis.numeric else p.x
            shown = Published(p.analysis, p.source, np.asarray(at, float), p.y, {})
            draw_published(ax, shown, n, self.citation(p))
        mark_zero(ax, y)
        names = [textwrap.fill(axis.text(i), 14) for i in range(len(y))]
        crowded = len(y) > 5 or max(len(n) for n in names) > 10
        ax.set_xticks(np.arange(len(y)), names, rotation=35 if crowded else 0, ha="right" if crowded else "center")
        if axis.numeric:
            ax.set_xlabel(axis.label)
        ax.set_ylabel(wrapped(self.y_label))
        self.heading(cell)
        self.close([ax])


class Numbers(Picture):
    """Single numbers, one to a line with its unit and score."""

    panel_width = 5.4

    def __init__(self, variables):
        super().__init__(variables[0])
        self.lines = [self.line(Picture(v)) for v in variables]
        self.panel_height = 0.1 + 0.15 * sum(len(line.splitlines()) for line in self.lines)

    @staticmethod
    def line(one):
        a, score = one.variable.attributes, one.score()
        units = "" if a.get("units", "1") == "1" else f" {a['units']}"
        name = one.variable.name.replace("_", " ") if "y_label" in a else one.variable.name
        label = a.get("y_label") or a.get("long_name") or ""
        called = f"{name} ({label})" if label and label not in (name, one.variable.name) else name
        text = f"{called}: {float(one.variable.values):.6g}{units}" + (f"; against data {score}" if score else "")
        return textwrap.fill(text, 74, subsequent_indent="    ")

    def draw(self, cell):
        ax = cell.subplots()  # beside which a title keeps its room
        ax.set_axis_off()
        ax.text(0.01, 1, "\n".join(self.lines), va="top", fontsize=9, linespacing=1.3)


class Table(Picture):
    """Two axes of names, a number and a shade in every cell."""

    def __init__(self, variable, published=()):
        super().__init__(variable, published)
        rows, columns = (list(variable.values.shape) + [1])[:2]
        self.panel_width, self.panel_height = 1.8 + 0.62 * columns, 1.0 + 0.3 * rows

    def draw(self, cell):
        ax = cell.subplots()
        values = np.atleast_2d(self.variable.values.T).T
        bound = np.nanmax(np.abs(values)) or 1.0
        ax.imshow(values, cmap="RdBu_r", vmin=-1.6 * bound, vmax=1.6 * bound, aspect="auto")
        for (i, j), v in np.ndenumerate(values):
            ax.text(j, i, f"{v:.2f}" if np.isfinite(v) else "–", ha="center", va="center", fontsize=8)
        rows = self.variable.axes[0]
        ax.set_yticks(range(len(rows.values)), [rows.text(i) for i in range(len(rows.values))])
        if len(self.variable.axes) > 1:
            columns = self.variable.axes[1]
            ax.set_xticks(range(len(columns.values)), [columns.text(i) for i in range(len(columns.values))],
                          rotation=35, ha="left")
            ax.xaxis.tick_top()
        else:
            ax.set_xticks([])
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        cell.supxlabel(self.y_label, fontsize=9)
        self.heading(cell)


def squeezed(variable):
    """Without axes of one element."""
    for i in reversed(range(len(variable.axes))):
        if len(variable.axes[i].values) == 1 and len(variable.axes) > 1:
            variable = variable.at(i, 0)
    return variable


def reduced(variable, keep):
    """Only `keep` axes: of time the last element, of a feature the strongest, of others the middle."""
    notes = []
    for i in reversed(range(len(variable.axes))):
        axis = variable.axes[i]
        if axis.name in keep:
            continue
        if axis.name == "t":
            variable = variable.at(i, -1)
            notes.append("at the end")
        elif axis.name in ("feature", "theta"):
            variable = Variable(variable.name, variable.values.max(i), variable.axes[:i] + variable.axes[i + 1 :],
                                variable.attributes)
            notes.append(f"largest over {axis.name}")
        else:
            middle = len(axis.values) // 2
            notes.append(f"{axis.name} {axis.text(middle, units=True)}")
            variable = variable.at(i, middle)
    if notes:
        name = f"{variable.name}, {', '.join(notes)}"
        variable = Variable(name, variable.values, variable.axes, variable.attributes)
    return variable


def decibels(variable):
    """Powers below the largest, down to a millionth."""
    largest = np.nanmax(variable.values)
    values = 10 * np.log10(np.maximum(variable.values, 1e-6 * largest) / largest) if largest > 0 else variable.values
    return Variable(variable.name, values, variable.axes, {**variable.attributes, "y_label": "power", "units": "dB"})


def thinned(variable, which):
    """The largest of neighbours along an axis with more elements than a panel has pixels, so that a narrow line stays."""
    axis = variable.axes[which]
    step = -(-len(axis.values) // MOST_PIXELS)
    starts = np.arange(0, len(axis.values), step)
    values = np.fmax.reduceat(variable.values, starts, axis=which)
    middle = np.add.reduceat(axis.values.astype(float), starts) / np.diff([*starts, len(axis.values)])
    axes = [*variable.axes[:which], dataclasses.replace(axis, values=middle), *variable.axes[which + 1 :]]
    return Variable(variable.name, values, axes, variable.attributes)


def picture(variable, published=()):
    kind = variable.attributes.get("kind")
    variable = squeezed(variable)
    names = [a.name for a in variable.axes]
    if kind == "bars":
        return Bars(variable, published)
    if kind == "table":
        return Table(variable, published)
    if kind in ("map", "power", "codes") and len(names) >= 2:
        if kind == "power":
            variable = decibels(variable)
        keep = names[-3:]
        small = reduced(variable, keep)
        row, column = len(keep) - 2, len(keep) - 1
        if kind == "power":
            small = thinned(thinned(small, row), column)
        if keep[row] in ("t", "x"):  # abscissae
            row, column = column, row
        return Map(small, row, column, 0 if len(keep) == 3 else None)
    if kind == "arrows" and len(names) >= 3 and len(variable.axes[-1].values) == 2:
        return Arrows(reduced(variable, names[-4:]))
    if kind in ("curve", "spectrum"):
        x = variable.axis(variable.attributes.get("x", ""))
        return curves(variable, x if x is not None else len(names) - 1, published)
    if "y" in names and "x" in names and "t" not in names[-1:]:
        others = [n for n in names if n not in ("y", "x", "t", "feature", "theta")]
        small = reduced(variable, ["y", "x", *others[:1]])
        return Map(small, small.axis("y"), small.axis("x"), small.axis(others[0]) if others else None)
    if "t" in names:
        return curves(variable, variable.axis("t"))
    return curves(variable, len(names) - 1)


def curves(variable, x, published=()):
    """Lines, where they are few enough and the abscissa is a number; else a map or bars."""
    axis = variable.axes[x]
    if not axis.numeric and variable.values.ndim == 1:
        return Bars(variable, published)
    others = [len(a.values) for i, a in enumerate(variable.axes) if i != x]
    if not published and others:
        lines, panels = others[-1], int(np.prod(others[:-1]))
        if lines > MOST_LINES or panels > MOST_PANELS or not axis.numeric:
            names = [a.name for a in variable.axes]
            row = next(i for i in reversed(range(len(names))) if i != x)
            first = next((i for i in range(len(names)) if i not in (x, row)), None)
            keep = {names[x], names[row]} | ({names[first]} if first is not None else set())
            small = reduced(variable, keep)
            panel = small.axis(names[first]) if first is not None else None
            return Map(small, small.axis(names[row]), small.axis(names[x]), panel)
    return Curves(variable, x, published)
