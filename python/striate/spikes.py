"""Spikes in files and in memory: reading them, and their distances."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np

LAYOUTS = [("times", "ids"), ("timestamps", "node_ids")]  # Striate's, SONATA's


def read_events(file):
    """{name: (times, ids, condition, unit, elements)} of the spikes below /spikes of an open HDF5 file that has any; of a sweep,
    those of each point that is done are NAME/POINT."""
    found = {}
    status = file["status"][()].ravel() if "sweep" in file.attrs else None

    def visit(name, group):
        for times, ids in LAYOUTS:
            if isinstance(group, h5py.Group) and times in group and ids in group and group[times].size:
                unit = group[times].attrs.get("units", "ms" if times == "timestamps" else "")
                place = name.split("/")
                if status is not None and status[int(place[1])] != 1:
                    continue
                of_run = 1 + (status is not None)
                condition = int(place.pop()) if len(place) > of_run and place[-1].isdigit() else 0
                whole = min(group[times].size, group[ids].size)  # a killed run may have left one longer
                found.setdefault("/".join(place), {})[condition] = (
                    group[times][:whole], group[ids][:whole], unit.decode() if isinstance(unit, bytes) else unit,
                    max(int(group[ids].attrs.get("elements", 0)), int(group[ids][:whole].max()) + 1))

    if "spikes" in file:
        visit("spikes", file["spikes"])
        file["spikes"].visititems(visit)
    return {name: (*(np.concatenate([spikes[i] for _, spikes in sorted(of.items())]) for i in (0, 1)),
                   np.concatenate([np.full(len(spikes[0]), condition) for condition, spikes in sorted(of.items())]),
                   next(iter(of.values()))[2], max(spikes[3] for spikes in of.values()))
            for name, of in found.items()}


def trains(path, population=None, condition=0, count=None):
    """The spikes of a recording or a SONATA file as a list of ascending times, one array an element."""
    with h5py.File(path) as file:
        events = read_events(file)
    if population is None:
        if len(events) != 1:
            raise ValueError(f"{path}: which spikes? Name one of {', '.join(events) or 'none'}.")
        population = next(iter(events))
    if population not in events:
        raise ValueError(f"{path}: there are no spikes of '{population}'. There are {', '.join(events) or 'none'}.")
    times, ids, conditions, _, elements = events[population]
    of = conditions == condition
    times, ids = times[of], ids[of]
    if count is None:
        count = elements
    return [np.sort(times[ids == i]) for i in range(count)]


def distances(spikes, measure, **parameters):
    """The matrix of the distances of all pairs of trains, computed by the program `striate`.

    spikes: a list of arrays of times, or the path of a file (then population=, condition=, elements=(first, end)).
    measure: van_rossum (decay=, rise=), victor_purpura (cost=), isi_distance, spike_distance, spike_synchronisation, over
        the window from=, to= (write from_=). Numbers are in the unit of lists; of a file they are texts such as "10 ms".
    """
    program = os.environ.get("STRIATE") or shutil.which("striate")
    if not program:
        raise FileNotFoundError("the program striate is not found. Put it on PATH, or its place into STRIATE.")
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(spikes, (str, os.PathLike)):
            given = Path(spikes)
        else:
            given = Path(folder) / "spikes.h5"
            lists = [np.asarray(train, float).ravel() for train in spikes]
            with h5py.File(given, "w") as file:
                file["spikes/given/times"] = np.concatenate([*lists, []])
                file["spikes/given/ids"] = np.repeat(np.arange(len(lists)), [len(train) for train in lists])
            parameters.setdefault("elements", (0, len(lists)))
        result = Path(folder) / "distances.h5"
        command = [program, "distances", given, "--measure", measure, "-q", "-o", result]
        for key, value in parameters.items():
            values = value if isinstance(value, (tuple, list)) else [value]
            command += ["--" + key.rstrip("_"), *(v if isinstance(v, str) else f"{v:.17g}" for v in values)]
        run = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if run.returncode:
            raise ValueError(run.stderr.strip())
        with h5py.File(result) as file:
            return file[f"analysis/{measure}"][()]
