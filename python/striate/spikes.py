"""Spikes in files and in memory: reading them, and their distances."""

import os
import re
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .recording import attributes, recorded_until, times_in

LAYOUTS = [("times", "ids"), ("timestamps", "node_ids")]  # Striate's, SONATA's


@dataclass
class Spikes:
    """What one event did in one condition."""

    times: np.ndarray
    ids: np.ndarray
    unit: str
    elements: int


def read_events(file):
    """{name: {condition: Spikes}} of what stands below /spikes of an open HDF5 file; of a sweep, that of each point that is
    done is NAME/POINT, empty where nothing spiked."""
    if isinstance(file.get("spikes/gids"), h5py.Dataset):
        raise ValueError(f"{file.filename}: its spikes are in SONATA's older layout, /spikes/gids and timestamps. Write them as"
                         " /spikes/POPULATION/node_ids and timestamps.")
    found = {}
    status = file["status"][()].ravel() if "sweep" in file.attrs else None
    stopped = not file.attrs.get("complete", 1) and status is None and "run/recorded_until" in file
    ends = file["run/recorded_until"] if stopped else None

    def visit(name, group):
        for times, ids in LAYOUTS:
            if isinstance(group, h5py.Group) and times in group and ids in group:
                place = name.split("/")
                if status is not None and status[int(place[1])] != 1:
                    continue
                of_run = 1 + (status is not None)
                condition = int(place.pop()) if len(place) > of_run and place[-1].isdigit() else 0
                found.setdefault("/".join(place), {})[condition] = read_spikes(group[times], group[ids], condition, ends)

    if "spikes" in file:
        visit("spikes", file["spikes"])
        file["spikes"].visititems(visit)
    if status is not None:
        for event, spikes in {name.split("/")[0]: next(iter(of.values())) for name, of in found.items()}.items():
            silent = Spikes(np.array([]), np.array([], int), spikes.unit, spikes.elements)
            for point in np.flatnonzero(status == 1):
                of = found.setdefault(f"{event}/{point}", {})
                for condition in range(condition_count(file)):
                    of.setdefault(condition, silent)
    return {name: dict(sorted(of.items())) for name, of in found.items()}


def read_spikes(times, ids, condition=0, ends=None):
    """`ends`: up to when the conditions of a killed run are recorded; it may have written some spikes beyond and not others."""
    unit = attributes(times).get("units", "ms" if times.name.endswith("timestamps") else "")
    whole = min(times.size, ids.size)  # a killed run may have left one longer
    elements = max(int(ids.attrs.get("elements", 0)), int(ids[:whole].max()) + 1 if whole else 0)
    kept = slice(whole)
    if ends is not None and condition < ends.size:
        kept = times[:whole] <= np.nan_to_num(times_in(ends, unit))[condition]
    return Spikes(times[:whole][kept], ids[:whole][kept], unit, elements)


def condition_count(file):
    """Of each point, of a sweep; 1 of files that are no recordings."""
    points = file["status"].size if "sweep" in file.attrs else 1
    return max((d.size for d in file.get("run", {}).values()), default=points) // points


def trains(path, population=None, condition=0, count=None):
    """The spikes of a recording or a SONATA file as a list of ascending times, one array an element."""
    with h5py.File(path) as file:
        events, count_of_conditions = read_events(file), condition_count(file)
        if not file.attrs.get("complete", 1) and "sweep" not in file.attrs:
            warnings.warn(f"{path}: the run was stopped before its end; its spikes are here{recorded_until(file)}.", stacklevel=3)
    if not events:
        raise ValueError(f"{path}: there are no spikes in the file.")
    if population is None:
        likely = [name for name, of in events.items() if any(spikes.times.size for spikes in of.values())] or list(events)
        if len(likely) != 1:
            raise ValueError(f"{path}: which spikes? Name one of {', '.join(events) or 'none'}.")
        population = likely[0]
    if population not in events:
        raise ValueError(f"{path}: there are no spikes of '{population}'. There are {', '.join(events) or 'none'}.")
    conditions = events[population]
    if count is None:
        count = max(spikes.elements for spikes in conditions.values())
    if condition not in conditions and not 0 <= condition < count_of_conditions:
        raise ValueError(f"{path}: there is no condition {condition} of '{population}'. There are {count_of_conditions}, from 0.")
    if condition not in conditions:
        return [np.array([]) for _ in range(count)]
    spikes = conditions[condition]
    return [np.sort(spikes.times[spikes.ids == i]) for i in range(count)]


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
            told = run.stderr.strip().replace(str(Path(folder) / "spikes.h5"), "spikes").replace("--from", "--from_")
            raise ValueError(re.sub(r"\B--(\w+)", r"\1=", told))
        with h5py.File(result) as file:
            return file[f"analysis/{measure}"][()]
