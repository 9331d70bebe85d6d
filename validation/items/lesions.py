"""The table of docs/lesions.md: which effect falls with which term of the contextual circuit."""

from dataclasses import dataclass
from typing import Callable

import numpy as np

from items.item import analysis, load

LESIONS = [
    ("nothing", [], "full"),
    ("far suppression (T = 0)", ['regime="no_T"'], "T=0"),
    ("near facilitation (P = 0)", ['regime="no_P"'], "P=0"),
    ("broad facilitation (Q = 0)", ['regime="no_Q"'], "Q=0"),
    ("untuned suppression (U = 0)", ['regime="no_U"'], "U=0"),
    ("the difference of near and far: both 29 pixels", ["settings.near=29", "settings.far_hole=1"], "near=far"),
    ("divisive suppression", ['regime="no_divisive"'], "alpha=beta=0"),
    ("subtractive suppression", ['regime="no_subtractive"'], "mu=nu=0"),
]


@dataclass
class Measure:
    """A column of the lesion table: one number of one experiment, and where the reference has it."""

    name: str
    experiment: str
    settings: list
    found: Callable
    reference: tuple  # keys of a lesion of contextual.json; None where it has none
    digits: int = 2


def attribute(name, key):
    """NaN of what is not defined, as a correlation with a constant curve."""
    return lambda recording: recording["analysis"][name].attrs.get(key, np.nan)


def smallest_best_size(recording):
    """Without near facilitation the curve is flat up to 9 pixels: the smallest of what is best to a millionth."""
    response = recording["analysis/response"][()].ravel()
    return recording["size"][()][response >= (1 - 1e-6) * response.max()].min()


def unpaired(*analyses):
    """Data that are paired with all conditions in order, for runs of some of them."""
    return [f"analysis[{i}].compare.in_order=false" for i in analyses]


PLAID = ["conditions.c0.values=[12]", "conditions.c90.values=[0,12]"]


AT_30 = ['conditions.second={values=[30],unit="deg"}']


LARGEST = ["conditions.contrast.values=[1]"]


HUE_AT_45 = ['conditions.difference={values=[0,45],unit="deg"}', *unpaired(0, 1)]


ORANGE = ["conditions.test={values=[0]}", "conditions.pattern={values=[1,0]}", 'conditions.frequency={values=[0],unit="1/deg"}', *unpaired(1)]


PREFERRED = ['conditions.centre={values=[0],unit="deg"}', *unpaired(1)]


AT_1_DEG = ['conditions.width={values=[1],unit="deg"}']


MEASURES = [
    Measure("tilt r", "tilt_illusion", [], attribute("shift", "r"), ("tilt_r",)),
    Measure("tilt at 10 deg", "tilt_illusion", [], analysis("shift", 1), ("tilt_shift_deg", 1)),
    Measure("tilt at 20 deg", "tilt_illusion", [], analysis("shift", 2), ("tilt_shift_deg", 2)),
    Measure("depth r", "depth", [], attribute("repulsion", "r"), ("depth_r",)),
    Measure("depth at 0 arcmin", "depth", [], analysis("repulsion", 0), ("depth", 0)),
    Measure("directions r", "direction_tilt", [], attribute("shift", "r"), ("direction_tilt_r",)),
    Measure("at 40 deg", "direction_tilt", [], analysis("shift", 2), ("direction_tilt_deg", 2)),
    Measure("across a gap r", "direction_surround", [], attribute("shift", "r"), ("direction_center_surround_r",)),
    Measure("at 60 deg", "direction_surround", [], analysis("shift", 3), ("direction_center_surround_deg", 3)),
    Measure("hue at 45 deg", "hue", HUE_AT_45, analysis("shift", 1), ("hue_45_deg",)),
    Measure("orange in purple", "colour_pattern", ORANGE, analysis("shift", 0, 0, 0), ("pattern_colour",), 3),
    Measure("surround grating", "surround_gratings", PREFERRED, lambda r: np.nanmax(r["analysis/suppression"][()]),
            ("suppression_at_preferred",)),
    Measure("standstill at 1 deg", "induced_motion", AT_1_DEG, analysis("standstill", 0), None, 0),
    Measure("12/12 % over 12 %", "plaid_contrasts", PLAID, analysis("share", 0, 1), ("equal_12_percent_over_single",)),
    Measure("plaid at 30 deg", "surround_plaids", AT_30, lambda r: r["analysis/decoded"][()].ravel()[0], ("plaid_30_deg",), 1),
    Measure("with surround", "surround_plaids", AT_30, lambda r: r["analysis/decoded"][()].ravel()[1], ("plaid_surround_30_deg",), 1),
    Measure("best size", "size_tuning", LARGEST, smallest_best_size, ("size_peak_px",), 0),
    Measure("size suppression", "size_tuning", LARGEST,
            lambda r: 1 - r["analysis/response"][0, -1] / r["analysis/response"][()].max(), ("suppression_index",)),
]


def lesion_reference(lesion, measure):
    """The reference's number, or None where it has none."""
    if measure.reference is None:
        return None
    part = load("contextual", "lesions", lesion)
    for key in measure.reference:
        if isinstance(part, dict) and key not in part:
            return None
        part = part[key]
    return float(part)
