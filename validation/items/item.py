"""One experiment of docs/validation.md: what is run, and what it must come out as.

Its values are pairs of what the recording holds and what an independent computation gave (validation/reference), as
numbers or whole arrays, with the digits to which they are shown.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@dataclass
class Value:
    name: str
    found: Callable  # of the recording (h5py.File)
    reference: Callable  # of nothing; None where there is none
    unit: str = ""
    within: float = 0  # what a finite number of units, or a published number of digits, may differ by; 0: as run_all says


@dataclass
class Item:
    name: str
    phenomenon: str
    experiment: str  # in examples/
    settings: list = field(default_factory=list)  # key=value
    values: list = field(default_factory=list)
    score: str = "r"  # the attribute that the authors report: r, or r2; none where conditions lie too far apart for a curve
    misses: str = ""
    group: str = ""
    command: str = "run"  # or prc, continue
    long: bool = False  # minutes to hours: runs only when it is named
    picture: Callable = None  # draws another picture: of the recording's path and the picture's
    said: list = None  # settings as the table names them, where they are long


def load(file, *keys):
    part = json.loads((REFERENCE / f"{file}.json").read_text())
    for key in keys:
        part = part[key]
    return part


def numbers(file, *keys):
    """A part of a reference, as an array; what is undefined there is NaN."""
    return np.array(load(file, *keys), dtype=float)


def analysis(name, *index):
    """An analysis of a recording, or some of its elements."""
    return lambda recording: recording["analysis"][name][()][index]


def at(get, *index):
    return lambda: get()[index]
