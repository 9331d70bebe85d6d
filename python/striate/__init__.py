"""Recordings of Striate in Python: `open` gives an xarray.Dataset, `plot` a Matplotlib figure, `spike_trains` the spikes
of every element, `spike_distances` how far trains are apart."""

__all__ = ["open", "plot", "spike_trains", "spike_distances"]


def open(path, group=None):
    """The variables of a recording with their axes, units and attributes, loaded lazily.

    group: None for the root, or a group such as "analysis" or "data/shift". The root's attributes (title, circuit, seed,
    complete) and the coordinates of its axes come with every group. The root of a phase response, of branches, of a
    training and of distances has the variables and attributes of all groups, `cycle/x` as `cycle_x`; these, and analyses with axes of their
    own, are read whole.
    """
    import warnings

    import h5py

    from . import datasets, recording

    with h5py.File(path) as file:
        complete = file.attrs.get("complete", 1)
        of_groups = group is None and file.attrs.get("kind") in ("phase_response", "branches", "training", "distances")
        until = recording.recorded_until(file)
        whole = of_groups or datasets.has_axes_elsewhere(file[group or "/"])
    if not complete:
        warnings.warn(f"{path}: the run was stopped before its end; what is here was written before that{until}.", stacklevel=2)
    if whole:
        return datasets.gather(path, group or "/")
    return datasets.lazily(path, group)


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
