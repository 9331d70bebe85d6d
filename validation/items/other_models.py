"""Other models of visual cortex, and of single units."""

import numpy as np

from items.item import Item, Value, analysis, load, numbers

OTHERS = "Other models"


def other(*keys):
    return lambda: numbers("other_models", *keys)


def rows(part, name):
    """One number of every row of a reference's table."""
    return lambda: np.array([row[name] for row in load("other_models", part, "rows")], dtype=float)


def best_length(recording):
    e = recording["analysis/excitation"][()]
    return recording["length"][()][e.argmax(-1)]


def suppression(recording):
    e = recording["analysis/excitation"][()]
    return 1 - e[:, -1] / e.max(-1)


def line_cases(power, name):
    def get():
        cases = load("other_models", "ssn_line", "cases")
        return np.array([c[name] for c in cases if c["n"] == power], dtype=float)

    return get


def line_values(power):
    return [Value("best length at 5, 10, 50 %", best_length, line_cases(power, "peak_length_deg"), "deg"),
            Value("suppression", suppression, line_cases(power, "suppression_index")),
            Value("", analysis("excitation"), line_cases(power, "r_E"), "Hz"),
            Value("", analysis("inhibition"), line_cases(power, "r_I"), "Hz")]


def gamma(name):
    """One property of the preset G1's cycle for each drive; 0 where it rests."""
    return np.array([row.get(name) or 0.0 for row in load("other_models", "wilson_cowan_presets", "G1")])


def course_of(name):
    """A state at the reference's times after the step, which comes at 20 ms."""
    def get(recording):
        t = recording["t"][()] - 20
        return np.interp(numbers("other_models", "inhibition_stabilised_pair", "t_ms"), t, recording[name][()])

    return get


ITEMS = [
    Item("ssn_line_sizes", "size tuning of an SSN on a line, exponent 2", "ssn_line_sizes", values=line_values(2.0),
         misses="at high contrast the curve oscillates with length, which neurons do not", group=OTHERS),
    Item("ssn_line_sizes_n22", "the same, exponent 2.2", "ssn_line_sizes", ['regime="n22"'], values=line_values(2.2),
         misses="as above", group=OTHERS),
    Item("ssn_ring_plaids", "summation and normalisation of an SSN on a ring", "ssn_ring_plaids",
         values=[Value("largest r_E, one grating", lambda r: r["analysis/peak_E"][0], rows("ssn_ring", "r_E_peak"), "Hz"),
                 Value("r_E at 45 deg, two", lambda r: r["analysis/peak_E"][1], rows("ssn_ring", "r_E_45_plaid"), "Hz"),
                 Value("", lambda r: r["analysis/peak_I"][0], rows("ssn_ring", "r_I_peak"), "Hz")],
         misses="no data beside it", group=OTHERS),
    Item("ssn_paradoxical", "paradoxical response of an SSN", "ssn_paradoxical",
         values=[Value("change of r_I for an extra drive of 2, at 1.25, 5, 20, 50 %",
                       lambda r: r["analysis/inhibition"][:, -1], rows("ssn_paradoxical", "r_I_change"), "Hz"),
                 Value("of r_E", lambda r: r["analysis/excitation"][:, -1], rows("ssn_paradoxical", "r_E_change"), "Hz")],
         misses="no data beside it", group=OTHERS),
    Item("isn_step", "paradoxical response of a linear pair, in time", "isn_step",
         values=[Value("r_I before and after", lambda r: r["r_I"][()][[0, -1]], lambda: np.array(
                     [other("inhibition_stabilised_pair", n)()[1] for n in ("rest_before", "rest_after")]), "Hz"),
                 Value("", course_of("r_I"), other("inhibition_stabilised_pair", "r_I"), "Hz"),
                 Value("", course_of("r_E"), other("inhibition_stabilised_pair", "r_E"), "Hz")],
         misses="no data beside it", group=OTHERS),
    Item("ssn_2d_sizes", "size tuning of an SSN in two dimensions, 75 x 75 x 12 places", "ssn_2d_sizes",
         values=[Value("best diameter at 8, 16.4 %",
                       lambda r: r["diameter"][()][r["analysis/excitation"][()].argmax(-1)], None, "deg"),
                 Value("suppression at 16 deg", suppression, None),
                 Value("r_E for 1.29 deg at 8, 16.4 % and for 5.13 deg at 16.4 %",
                       lambda r: r["analysis/excitation"][()][[0, 1, 1], [2, 2, 6]], rows("ssn_2d", "r_E"), "Hz")],
         misses="no data beside it", group=OTHERS),
    Item("fitzhugh_nagumo", "firing of a FitzHugh-Nagumo unit", "fitzhugh_nagumo",
         values=[Value("rate at current 0.5", analysis("frequency", 5),
                       lambda: 1000 / other("fitzhugh_nagumo", "cycle", "period")(), "Hz")],
         misses="no data beside it", group=OTHERS),
    Item("wilson_cowan_gamma", "gamma of a Wilson-Cowan pair", "wilson_cowan_gamma",
         values=[Value("frequency at drives 0.8, 1.4, 2.6", lambda r: r["analysis/frequency"][()][[1, 4, 10]],
                       lambda: gamma("frequency_Hz")[[1, 4, 10]], "Hz"),
                 Value("", analysis("frequency"), lambda: gamma("frequency_Hz"), "Hz"),
                 Value("", analysis("swing"), lambda: gamma("peak_to_peak_E"))],
         misses="no data beside it", group=OTHERS),
]
