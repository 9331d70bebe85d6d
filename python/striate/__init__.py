"""Recordings of Striate in Python: `open` gives an xarray.Dataset, `plot` a Matplotlib figure, `spike_trains` the spikes
of every element, `spike_distances` how far trains are apart."""

__all__ = ["open", "plot", "spike_trains", "spike_distances"]


def open(path, group=None):
    """The variables of a recording with their axes, units and attributes, loaded lazily.

    group: None for the root, or a group such as "analysis" or "data/shift". The root's attributes (title, circuit, seed,
    complete) and the coordinates of its axes come with every group.
    """
    import warnings

    import xarray

    root = xarray.open_dataset(path, engine="h5netcdf")
    if not root.attrs.get("complete", 1):
        warnings.warn(f"{path}: the run was stopped before its end; what is here was written before that.", stacklevel=2)
    if group is None:
        return root
    inner = xarray.open_dataset(path, engine="h5netcdf", group=group)
    inner.attrs = {**root.attrs, **inner.attrs}
    return inner.assign_coords({axis: root[axis] for axis in inner.dims if axis in root.coords})


def plot(path):
    """A figure of what the recording holds: its analyses beside the published data, else its variables."""
    from . import figures

    return figures.draw(path)


def spike_trains(path, population=None, condition=0, count=None):
    """The spikes of a recording or a SONATA file: a list of ascending times, one array an element."""
    from . import spikes

    return spikes.trains(path, population, condition, count)


def spike_distances(spikes, measure, **parameters):
    """The matrix of distances of all pairs of spike trains, of lists of times or of a file (see striate.spikes.distances)."""
    from . import spikes as module

    return module.distances(spikes, measure, **parameters)
