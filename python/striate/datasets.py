"""Groups of a recording as datasets of xarray, also where their axes stand in groups that xarray does not search."""

from collections import Counter

import h5netcdf
import h5py
import xarray

from .recording import attributes, axis_from, is_axis

WITHOUT = ("checkpoint/", "spikes/")


def has_axes_elsewhere(group):
    """Whether axes of its datasets lie neither in it nor above it."""
    scales = [scales[0] for d in group.values() if isinstance(d, h5py.Dataset) and not is_axis(d) for scales in d.dims if len(scales)]
    return any(not group.name.startswith(scale.parent.name) for scale in scales)


def lazily(path, group):
    if group is None:
        return xarray.open_dataset(path, engine="h5netcdf")
    inner = xarray.open_dataset(path, engine="h5netcdf", group=group)
    with h5netcdf.File(path, "r", decode_vlen_strings=True) as root:  # xarray opens none whose axes stand in groups
        axes = {name: axis for name, axis in root.variables.items() if name in inner.dims and axis.dimensions == (name,)}
        inner.attrs = {**root.attrs, **inner.attrs}
        return inner.assign_coords({name: (name, axis[()], dict(axis.attrs)) for name, axis in axes.items()})


def gather(path, group="/"):
    """All numbers below a group, in memory: `cycle/x` as `cycle_x`, with their axes; those of one name with their place before it.
    Attributes of groups are called likewise: `interaction_locked`."""
    found, of_groups = {}, {}

    def visit(name, node):
        if isinstance(node, h5py.Group) and not f"{name}/".startswith(WITHOUT):
            of_groups.update({f"{name}/{key}".replace("/", "_"): value for key, value in attributes(node).items()})
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "fiu" and not is_axis(node) and not name.startswith(WITHOUT):
            found[name] = node

    with h5py.File(path) as file:
        file[group].visititems(visit)
        axes = {scales[0].name: axis_from(scales[0]) for d in found.values() for scales in d.dims if len(scales)}
        count = Counter(a.name for a in axes.values())
        called = {place: a.name if count[a.name] == 1 else place.removeprefix("/axes").strip("/").replace("/", "_")
                  for place, a in axes.items()}
        variables = {name.replace("/", "_"): ([called[scales[0].name] for scales in d.dims], d[()], attributes(d))
                     for name, d in found.items()}
        coordinates = {called[place]: (called[place], a.values, attributes(file[place])) for place, a in axes.items()}
        return xarray.Dataset(variables, coordinates, {**attributes(file), **attributes(file[group]), **of_groups})
