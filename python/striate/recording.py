"""What a recording holds, read for plotting: variables with their axes, analyses, published data."""

from dataclasses import dataclass, field, replace

import h5py
import numpy as np

SECONDS = {"h": 3600, "min": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def times_in(dataset, unit):
    """The times of a dataset in a unit; as they stand where either is unknown."""
    times, own = np.ravel(dataset[()]), attributes(dataset).get("units", unit)
    if unit in (own, ""):
        return times
    if own not in SECONDS or unit not in SECONDS:
        raise ValueError(f"{dataset.file.filename}: spikes are in '{unit}' and times of the run in '{own}'. Known are"
                         f" {', '.join(SECONDS)}.")
    return times * (SECONDS[own] / SECONDS[unit])


def recorded_until(file):
    """", up to 1340 ms": the times up to which a run that was stopped has recorded its conditions; "" where it tells none."""
    if "recorded_until" not in file.get("run", ()):
        return ""
    until = file["run/recorded_until"]
    times = ", ".join(f"{t:g}" for t in np.nan_to_num(np.atleast_1d(until[()]).ravel()))
    return f", up to {times} {until.attrs.get('units', '')}".rstrip()


@dataclass
class Axis:
    name: str
    values: np.ndarray  # numbers, or texts
    label: str
    units: str = ""
    marks: tuple = ()  # of time: when the stimulus changes
    meanings: tuple = ()  # of values that are codes

    @property
    def word(self):
        """One word for it: the last part of a swept key, else its name."""
        key = self.label.split(" ")[0]
        return key.rsplit(".", 1)[-1] if "." in key else self.name.replace("_", " ")

    def text(self, index, units=False):
        if self.meanings:
            return self.meanings[index]
        if not self.numeric:
            return str(self.values[index])
        if np.isnan(self.values[index]):
            return "none"
        return f"{self.values[index]:.4g}" + (f" {self.units}" if units and self.units not in ("", "1") else "")

    @property
    def numeric(self):
        return self.values.dtype.kind in "fiu"


@dataclass
class Variable:
    name: str
    values: np.ndarray
    axes: list
    attributes: dict = field(default_factory=dict)

    def axis(self, name):
        """Index of the axis of that name, or None."""
        return next((n for n, a in enumerate(self.axes) if a.name == name), None)

    def at(self, axis, index):
        axes = self.axes[:axis] + self.axes[axis + 1 :]
        return Variable(self.name, np.take(self.values, index, axis), axes, self.attributes)

    @property
    def label(self):
        return with_units(self.attributes.get("long_name") or self.name, self.attributes.get("units"))


@dataclass
class Published:
    """Points measured by others: abscissae, values, and for each axis of the analysis that has panels its value."""

    analysis: str
    source: str
    x: np.ndarray
    y: np.ndarray
    keys: dict

    def at(self, name, value):
        if name not in self.keys:
            return self
        key = self.keys[name]
        same = np.isnan(key) if np.isnan(value) else np.isclose(key, value)
        keys = {n: v[same] for n, v in self.keys.items() if n != name}
        return Published(self.analysis, self.source, self.x[same], self.y[same], keys)


@dataclass
class Recording:
    path: str
    attributes: dict
    variables: list
    analyses: list
    published: dict  # by name of the analysis: list of Published
    failed: str = ""  # "1 of 3 points failed", of a sweep

    @property
    def title(self):
        return str(self.attributes.get("title", ""))

    @property
    def complete(self):
        return bool(self.attributes.get("complete", 1))


INTERNAL = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_FillValue"}


def with_units(name, units):
    return f"{name} ({units})" if units and units != "1" else name


def attributes(node):
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in node.attrs.items() if k not in INTERNAL}


def axis_from(scale):
    name, a = scale.name.split("/")[-1], attributes(scale)
    without_coordinates = b"not a netCDF variable" in bytes(scale.attrs.get("NAME", b""))
    if without_coordinates:
        values = np.arange(scale.shape[0])
    else:
        values = scale.asstr()[()] if h5py.check_string_dtype(scale.dtype) else scale[()]
    label = with_units(a.get("long_name") or name.replace("_", " "), a.get("units"))
    return Axis(name, np.asarray(values), label, a.get("units", ""), tuple(np.atleast_1d(a.get("stimulus_changes", ()))),
                tuple(m.replace("_", " ") for m in a.get("flag_meanings", "").split()))


def axes_of(dataset):
    return [axis_from(scales[0]) if len(scales) else Axis(f"axis {d + 1}", np.arange(dataset.shape[d]), f"axis {d + 1}")
            for d, scales in enumerate(dataset.dims)]


def variable(dataset):
    a, axes = attributes(dataset), axes_of(dataset)
    v = Variable(dataset.name.split("/")[-1], dataset[()].astype(float), axes, a)
    x = v.axis(a.get("x", ""))
    if x is not None:
        old = v.axes[x]
        values = np.asarray(a["x_values"]) if "x_values" in a else old.values
        label = with_units(a["x_label"], a.get("x_unit")) if a.get("x_label") else old.label
        v.axes[x] = Axis(old.name, values, label, a.get("x_unit", old.units), old.marks, old.meanings)
    if "only" in a:
        a["only"] = ", ".join(in_words(dataset.file, kept) for kept in a["only"].split(", "))
    return v


def in_words(file, kept):
    """What a kept condition ("pattern 1") stands for, where it is a code."""
    name, value = kept.split(" ")[:2]
    axis = axis_from(file[name]) if name in file else None
    at = np.flatnonzero(np.isclose(axis.values, float(value))) if axis and axis.meanings else []
    return axis.meanings[at[0]] if len(at) else kept


def is_axis(dataset):
    return h5py.h5ds.is_scale(dataset.id)


def variables(group):
    return [variable(d) for d in group.values()
            if isinstance(d, h5py.Dataset) and not is_axis(d) and d.dtype.kind in "fiu"]


def variables_below(group):
    """All of a group and the groups in it, called by their path from it."""
    found = []

    def visit(path, node):
        if isinstance(node, h5py.Dataset) and not is_axis(node) and node.dtype.kind in "fiu":
            found.append(replace(variable(node), name=path))

    group.visititems(visit)
    return found


def published(group):
    columns = {n: d[()] for n, d in group.items() if isinstance(d, h5py.Dataset) and not is_axis(d)}
    a = attributes(group)
    return Published(a["compares"].split("/")[-1], a.get("source", ""), columns.pop("x"), columns.pop("y"), columns)


def read(path):
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file.") from None
    except OSError as reason:
        raise ValueError(f"{path}: not readable as HDF5 ({reason}).") from None
    with file:
        data = {}
        for group in file.get("data", {}).values():
            p = published(group)
            data.setdefault(p.analysis, []).append(p)
        analyses = variables(file["analysis"]) if "analysis" in file else []
        recorded, failed = variables(file), ""
        if {"seed", "status"} <= set(file):  # a sweep's account of its points, worth a look where some are not done
            status = file["status"][()]
            recorded = [v for v in recorded if v.name not in (["seed", "status"] if np.all(status == 1) else ["seed"])]
            for v in recorded:
                if v.name == "status":
                    v.attributes["kind"] = "codes"
            failed = f"{np.sum(status == 2)} of {status.size} points failed" if np.any(status == 2) else ""
        return Recording(str(path), attributes(file), recorded, analyses, data, failed)
