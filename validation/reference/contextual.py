"""Every contextual experiment of the circuit in circuit.py, its scores against published data and its lesions.

Run `python3 contextual.py` to rewrite contextual.json beside it (a few minutes). Steady states are fixed points with a
residual of dI/dt and dO/dt below 1e-11. Needs NumPy and SciPy only.
"""
import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import resample

from circuit import MELY, PAPER, REFITTED, Circuit, block, encode, paint, pearson, q_matrix, vote

DATA = Path(__file__).resolve().parent.parent / "data"
GRID = 51


def table(name):
    with open(DATA / name) as f:
        return list(csv.DictReader(line for line in f if not line.startswith("#")))


def column(rows, name):
    return np.array([float(r[name]) for r in rows])


def blank(grid=GRID):
    return np.full((grid, grid), np.nan)


def population(u, k, s):
    return encode(np.array([u]), k, s)[0]


def centre(p, x, layer="O"):
    i, o = Circuit(p, x.shape[1:3], x.shape[3]).fixed_point(x)
    m = x.shape[1] // 2
    return (o if layer == "O" else i)[:, m, m]


# --- Tilt and direction -----------------------------------------------------------------------------------------------


def shift(p, s, period, surround, gap=None, ends=True):
    """Shift of the decoded centre away from the surround, for ten differences from 0 to half a period [same unit]."""
    difference = np.linspace(0, period / 2, 10)
    x = []
    for d in difference:
        image = paint(blank(), surround, 0.5 - d / period)
        if gap:
            paint(image, gap, np.nan)
        x.append(encode(paint(image, 8, 0.5), 25, s, ends=ends))
    x = np.array(x)
    return difference, (vote(centre(p, x), ends) - vote(x[:, GRID // 2, GRID // 2], ends)) * period


def orientation_tilt(p=PAPER, ends=True):
    rows = table("tilt_orientation_otoole_wenderoth_1977.csv")
    black = [r for r in rows if r["series"] == "black"]
    d, y = shift(p, 0.40, 180, 32, ends=ends)
    return dict(difference_deg=d, shift_deg=y, r=pearson(y, column(black, "shift_deg")))


def direction_tilt(p=PAPER):
    rows = table("tilt_direction_marshak_sekuler_1979.csv")
    d, y = shift(p, 0.60, 360, 32)
    at_data = np.interp(column(rows, "angle_deg"), d, y)
    return dict(difference_deg=d, shift_deg=y, r=pearson(at_data, column(rows, "shift_deg")))


def direction_center_surround(p=PAPER):
    rows = table("direction_center_surround_kim_wilson_1997.csv")
    angle = column(rows, "angle_deg").reshape(4, 9).mean(0)
    data = column(rows, "shift_deg").reshape(4, 9)
    d, y = shift(p, 1.25, 360, 24, gap=12)
    return dict(difference_deg=d, shift_deg=y, data_difference_deg=angle, data_shift_deg=data.mean(0),
                data_sem_deg=data.std(0, ddof=1) / 2, r=pearson(np.interp(angle, d, y), data.mean(0)),
                r_at_model_abscissae=pearson(y, np.interp(d, angle, data.mean(0))))


# --- Plaids, surrounds, size ------------------------------------------------------------------------------------------


def v1_plaids(p=PAPER):
    rows = table("v1_population_busse_wade_carandini_2009.csv")
    percent, k = [0, 6, 12, 25, 50], 37
    angle = 5.0 * np.arange(k) - 45
    pairs = [(a, b) for a in percent for b in percent]
    first, last = block(GRID, 9)
    x = np.zeros((len(pairs), GRID, GRID, k))
    for n, (a, b) in enumerate(pairs):
        x[n, first:last, first:last] = a / 100 * population(0.25, k, 1.0) + b / 100 * population(0.75, k, 1.0)
    o = centre(p, x)
    r2 = defaultdict(list)
    for n, (a, b) in enumerate(pairs):
        panel = [r for r in rows if float(r["c0_percent"]) == a and float(r["c90_percent"]) == b]
        at, y = column(panel, "pref_deg"), column(panel, "response")
        if n > 0:  # the model is silent on the blank
            r2["at_data_angles"].append(pearson(np.interp(at, angle, o[n]), y) ** 2)
            r2["at_channels"].append(pearson(o[n], np.interp(angle, at, y)) ** 2)
            r2["fourier_resampled"].append(pearson(o[n], resample(y, k)) ** 2)
    return dict(percent=percent, channel_deg=angle, response=o.reshape(5, 5, k), panel_r2=dict(r2),
                mean_r2={name: float(np.mean(v)) for name, v in r2.items()},
                equal_12_percent_over_single=o[12, 9] / o[10, 9])


def surround_gratings(p=PAPER, degrees=np.arange(-90, 61, 30)):
    k, read = 64, 32
    surrounds = np.linspace(0, 1, 6)
    first, last = block(GRID, 5)
    response = []
    for d in degrees:
        x = []
        for u in [*surrounds, np.nan]:
            image = np.full((GRID, GRID), u)
            image[first:last, first:last] = 0.5 + d / 180
            x.append(encode(image, k, 2.0))
        response.append(centre(p, np.array(x))[:, read])
    response = np.array(response)
    preferred = response[list(degrees).index(0)]
    suppression = 1 - preferred[:6].min() / preferred[6]
    if len(degrees) < 6:
        return dict(suppression_at_preferred=suppression)
    data = column(table("surround_grating_trott_born_2015_fig1b.csv"), "response")
    pairs, alone = data[:36].reshape(6, 6), data[36:]
    r = [pearson(response[n, :6], pairs[n]) for n in range(6)]
    return dict(centre_deg=degrees, surround_deg=180 * surrounds - 90, response=response[:, :6], alone=response[:, 6],
                r_per_centre=r, r=float(np.mean(r)), r_pooled=pearson(response[:, :6], pairs),
                r_alone=pearson(response[:, 6], alone),
                suppression_at_preferred=suppression)


def plaid_with_surround(p=PAPER):
    k = 32
    degrees = np.arange(-90, 61, 30)
    first, last = block(GRID, 9)
    x = np.zeros((12, GRID, GRID, k))
    for n, d in enumerate(degrees):
        second = population(0.5 + d / 180, k, 2.0)
        x[6 + n] = second
        x[[n, 6 + n], first:last, first:last] = (population(0.5, k, 2.0) + second) / 2
    o = centre(p, x)
    decoded = (vote(o) - 0.5) * 180
    rows = table("surround_plaid_trott_born_2015.csv")
    angle = (np.arange(k) / (k - 1) - 0.5) * 180
    r, data_decoded = [], []
    for n in range(12):
        panel = [q for q in rows if q["condition"] == ("PO" if n < 6 else "PS")
                 and float(q["second_component_deg"]) == degrees[n % 6]]
        y = column(panel, "response")
        r.append(pearson(np.interp(column(panel, "pref_deg"), angle, o[n]), y))
        t = 2 * np.radians(degrees)
        data_decoded.append(np.degrees(np.arctan2(y @ np.sin(t), y @ np.cos(t))) / 2)
    return dict(second_deg=degrees, channel_deg=angle, plaid=o[:6], with_surround=o[6:],
                decoded_plaid_deg=[None, *decoded[1:6]],  # symmetric: no direction to decode
                decoded_with_surround_deg=decoded[6:], data_decoded_plaid_deg=data_decoded[:6],
                data_decoded_with_surround_deg=data_decoded[6:], peak_plaid=o[:6].max(1),
                peak_with_surround=o[6:].max(1), r_per_panel=r, r=float(np.mean(r)),
                r_decoded_plaid=pearson(decoded[1:6], data_decoded[1:6]),
                r_decoded_with_surround=pearson(decoded[6:], data_decoded[6:]))


def size_tuning(p=PAPER, contrasts=(0.2, 0.4, 0.6, 0.8, 1.0)):
    sides = np.arange(1, 34, 2)
    x = np.array([encode(paint(blank(), s, 0.5), 16, 0.1, "gaussian") for s in sides])
    response = np.array([centre(p, c * x)[:, 8] for c in contrasts])
    peak = response.max(1)
    return dict(side_px=sides, contrast=contrasts, response=response, peak_side_px=sides[response.argmax(1)],
                suppression_index=1 - response[:, -1] / peak)


# --- Depth ------------------------------------------------------------------------------------------------------------


def depth(p=PAPER):
    gaps, m = [0, 2, 4, 5, 7, 9, 11, 12, 14, 16], GRID // 2
    x = []
    for gap in gaps:
        image = blank()
        image[m, m - 2 : m + 3] = 0.5
        flanker = (150 - 33.3) / 300
        image[m + 1 + gap : m + 4 + gap, m - 1 : m + 2] = flanker
        image[m - 3 - gap : m - gap, m - 1 : m + 2] = flanker
        x.append(encode(image, 50, 0.23, "gaussian"))
    y = (300 * vote(centre(p, np.array(x))) - 150) / 33.3
    groups = defaultdict(list)
    for row in table("depth_westheimer_levi_1987.csv"):
        groups[round(float(row["separation_arcmin"]))].append(-float(row["relative_induced_depth"]))
    at = np.array(sorted(groups))
    data = np.array([np.mean(groups[a]) for a in at])
    separation = np.linspace(0, 12, 10)
    return dict(gap_px=gaps, separation_arcmin=separation, repulsion=y, data_separation_arcmin=at, data_repulsion=data,
                r=pearson(np.interp(at, separation, y), data))


# --- Colour -----------------------------------------------------------------------------------------------------------

CAT02 = np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]])
SRGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                        [0.0193339, 0.1191920, 0.9503041]])
OPPONENT = np.array([[1, -1, 0], [-1, -1, 2], [1, 1, 1]]) / np.sqrt([[2], [6], [3]])
OPPONENT = np.concatenate([OPPONENT, -OPPONENT])  # R+G-, B+Y-, Wh+Bl-, G+R-, Y+B-, Bl+Wh-


def opponent_channels(lms):
    return np.maximum(OPPONENT @ lms, 0)


def dkl_colour(grey, radius, azimuth):
    long, medium, short = grey
    axes = np.array([[0.3727, -0.3727 * long / medium, 0],
                     [-0.1667, -0.1667, 0.1667 * (long + medium) / short],
                     [0.2887, 0.2887, 0]])
    return grey + np.linalg.solve(axes, radius * np.array([np.cos(azimuth), np.sin(azimuth), 0]))


def hue_tilt(p=PAPER, differences=tuple(range(-7, 9))):
    """`differences` of the centre from the surround, in sixteenths of a turn."""
    x0, y0, luminance = 0.310, 0.316, 0.75
    grey = CAT02 @ np.array([x0 / y0 * luminance, luminance, (1 - x0 - y0) / y0 * luminance])
    first, last = block(GRID, 9)
    m = GRID // 2
    circuit = Circuit(p, (GRID, GRID), 6)

    def settle(tests, surrounds):
        x = np.empty((len(tests), GRID, GRID, 6))
        for n, (t, s) in enumerate(zip(tests, surrounds)):
            x[n] = s
            x[n, first:last, first:last] = t
        i, o = circuit.fixed_point(x)
        return {"I": i[:, m, m], "O": o[:, m, m]}

    trained = 2 * np.pi * np.arange(32) / 32
    hues = 2 * np.pi * np.arange(16) / 16
    training = settle([opponent_channels(dkl_colour(grey, 0.20, a)) for a in trained], [opponent_channels(grey)] * 32)
    shown = [(s, (s + d) % 16) for s in range(16) for d in sorted({0, *differences})]
    tests = settle([opponent_channels(dkl_colour(grey, 0.20, hues[t])) for _, t in shown],
                   [opponent_channels(dkl_colour(grey, 0.16, hues[s])) for s, _ in shown])
    for layer, rows in tests.items():
        tests[layer] = np.full((16, 16, 6), np.nan)
        for (s, t), row in zip(shown, rows):
            tests[layer][s, t] = row
    data = column(table("hue_tilt_klauke_wachtler_2015.csv"), "shift_deg").reshape(8, 17)[:, 1:].mean(0)
    result = dict(difference_deg=22.5 * np.array(differences), data_shift_deg=data, grey_lms=grey,
                  centre_O=tests["O"])

    def shifts(layer, examples, surrounds, differences):
        """Mean over surrounds [index] of the shift at differences [index], by a decoder that learned from these examples."""
        f = training[layer][examples]
        mean, sd = f.mean(0), f.std(0)
        sd[sd == 0] = 1.0  # a channel that is silent for every hue
        z = (f - mean) / sd
        target = np.stack([np.cos(trained), np.sin(trained)], 1)[examples]
        weights = np.linalg.solve(z.T @ z + 0.1 * np.eye(6), z.T @ target)
        v = ((tests[layer] - mean) / sd) @ weights
        decoded = np.degrees(np.arctan2(v[..., 1], v[..., 0]))  # [surround, test]
        t = (surrounds[:, None] + differences) % 16
        return ((decoded[surrounds[:, None], t] - decoded[t, t] + 180) % 360 - 180).mean(0)

    for layer in ("O", "I"):
        curve = shifts(layer, slice(None), np.arange(16), np.array(differences))
        result[f"shift_deg_{layer}"] = curve
        if len(differences) < 16:
            continue
        # What a quick check can afford: eight examples, and quarter turns of surround and difference (-90 to 180).
        result[f"quarter_shift_deg_{layer}"] = shifts(layer, slice(None, None, 4), np.arange(0, 16, 4),
                                                      np.arange(-4, 9, 4))
        result[f"r_{layer}"] = pearson(curve, data)
    return result


def pattern_colour(p=PAPER, strips=(1, 2, 3, 5, 7, 13)):
    p = replace(p, crf=3, q_rule="unordered")
    grid, m = 77, 38

    def channels(srgb):
        c = np.asarray(srgb, float)
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return opponent_channels(CAT02 @ SRGB_TO_XYZ @ linear)

    purple, lime, neutral = channels((0.65, 0.54, 0.77)), channels((0.56, 0.60, 0.49)), channels((0.58, 0.58, 0.58))
    tests = dict(orange=channels((0.99, 0.65, 0.47)), turquoise=channels((0.44, 0.78, 0.73)))

    def display(n, adjacent, other, test):
        r = np.abs(np.arange(grid) - m)
        edges = np.floor(np.linspace(1, 38, n + 1))
        strip = np.searchsorted(edges, r, side="left") - 1  # strip j: edges[j] < r <= edges[j+1]
        rows = np.where((strip % 2 == 0)[:, None], adjacent, other)
        rows[r <= 1] = test
        return np.repeat(rows[:, None, :], grid, axis=1)

    result = dict(strips_per_side=strips, cpd=[0, 1, 2, 3.3, 5, 10])
    circuit = Circuit(p, (grid, grid), 6)
    for name, test in tests.items():
        x = [display(1, neutral, neutral, test)]
        x += [display(n, purple, lime, test) for n in strips] + [display(n, lime, purple, test) for n in strips]
        o = circuit.fixed_point(np.array(x))[1][:, m, m]
        index = (o[:, 1] - o[:, 4]) / o.sum(1)
        result[f"PL_{name}"], result[f"LP_{name}"] = np.split(index[1:] - index[0], 2)
    return result


# --- Lesions, checks of parts -----------------------------------------------------------------------------------------

LESIONS = {
    "full": {},
    "T=0": dict(beta=0.0, nu=0.0),
    "P=0": dict(gamma=0.0),
    "Q=0": dict(delta=0.0),
    "U=0": dict(alpha=0.0, mu=0.0),
    "near=far": dict(p_support="far", t_support="far"),
    "alpha=beta=0": dict(alpha=0.0, beta=0.0),
    "mu=nu=0": dict(mu=0.0, nu=0.0),
}


def lesions():
    result = {}
    for name, change in LESIONS.items():
        p = replace(PAPER, **change)
        tilt, near, directions, gap = orientation_tilt(p), depth(p), direction_tilt(p), direction_center_surround(p)
        result[name] = dict(
            tilt_r=tilt["r"], tilt_shift_deg=tilt["shift_deg"], depth=near["repulsion"], depth_r=near["r"],
            direction_tilt_r=directions["r"], direction_tilt_deg=directions["shift_deg"],
            direction_center_surround_r=gap["r"], direction_center_surround_deg=gap["shift_deg"],
            hue_45_deg=hue_tilt(p, (0, 2))["shift_deg_O"][1], pattern_colour=pattern_colour(p, (1,))["PL_orange"][0],
            suppression_at_preferred=surround_gratings(p, np.array([0]))["suppression_at_preferred"])
        if name in ("full", "T=0", "P=0", "Q=0", "U=0"):
            plaid, size = plaid_with_surround(p), size_tuning(p, (1.0,))
            result[name] |= dict(
                equal_12_percent_over_single=v1_plaids(p)["equal_12_percent_over_single"],
                plaid_30_deg=plaid["decoded_plaid_deg"][4], plaid_surround_30_deg=plaid["decoded_with_surround_deg"][4],
                size_response=size["response"][0], size_peak_px=size["peak_side_px"][0],
                suppression_index=size["suppression_index"][0])
        print(name, {k: v for k, v in result[name].items() if np.ndim(v) == 0}, flush=True)
    return result


def uniform_states():
    """Closed forms: an infinite uniform field with all channels equal, and one isolated pixel."""
    rows = []
    for x in (0.10, 0.25, 0.50, 1.00):
        a, b, g = 32.0, 10.65, 8.0
        field = (-b + np.sqrt(b * b + 4 * a * 4.5 * x)) / (2 * a)
        a1, b1, g1 = 4.0, 4.25, 4.0
        pixel = (-b1 + np.sqrt(b1 * b1 + 4 * a1 * 4.5 * x)) / (2 * a1)
        one = np.zeros((1, 3, 3, 6))
        one[0, 1, 1] = x
        i, o = Circuit(PAPER, (3, 3), 6).fixed_point(one)
        assert abs(i[0, 1, 1, 0] - pixel) < 1e-12 and abs(o[0, 1, 1, 0] - g1 * pixel) < 1e-12
        rows.append(dict(X=x, field_I=field, field_O=g * field, pixel_I=pixel, pixel_O=g1 * pixel))
    return rows


def small_trajectory():
    """A centre and a surround on 33 x 33 x 8 units, integrated in time."""
    grid, k = 33, 8
    image = paint(paint(blank(grid), 21, 0.25), 5, 0.5)
    x = encode(image[None], k, 0.4)
    circuit = Circuit(PAPER, (grid, grid), k)
    times = [0, 5, 10, 20, 50, 100, 300]
    units = [[16, 16, 3], [16, 16, 4], [16, 16, 1], [14, 18, 4], [13, 16, 2], [8, 8, 2], [6, 16, 1], [3, 16, 2]]
    # The switching of the rectifier limits the order: the difference below is the error to expect.
    states = circuit.trajectory(x, times, rtol=1e-13, atol=1e-15)
    finer = circuit.trajectory(x, times, rtol=3e-14, atol=3e-16)
    error = max(np.abs(a - b).max() for s, f in zip(states, finer) for a, b in zip(s, f))
    i, o = circuit.fixed_point(x)
    at = tuple(np.array(units).T)
    return dict(
        grid=grid, K=k, surround=dict(side=21, u=0.25), centre=dict(side=5, u=0.5), encoder="circular", s=0.4,
        initial="I = O = X", method="DOP853, rtol 3e-14", difference_to_rtol_1e13=error, t=times,
        units_y_x_k=units, I=[s[0][0][at] for s in finer], O=[s[1][0][at] for s in finer],
        sum_I=[s[0].sum() for s in finer], sum_O=[s[1].sum() for s in finer], fixed_I=i[0][at], fixed_O=o[0][at],
        fixed_sum_I=i.sum(), fixed_sum_O=o.sum())


def plain(value):
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.15g}")
    return value.item() if isinstance(value, np.generic) else value


def main():
    result = dict(
        uniform_states=uniform_states(),
        q_weights={k: q_matrix(k, 0.15)[k // 2, k // 2 :] for k in (6, 16, 25, 32, 37, 50, 64)},
        q_weights_unordered_6=q_matrix(6, 0.15, "unordered")[0],
        small_trajectory=small_trajectory())
    for experiment in (orientation_tilt, direction_tilt, direction_center_surround, v1_plaids, surround_gratings,
                       plaid_with_surround, size_tuning, depth, hue_tilt, pattern_colour):
        result[experiment.__name__] = experiment()
        print(experiment.__name__, {k: v for k, v in result[experiment.__name__].items() if np.ndim(v) == 0}, flush=True)
    result["orientation_tilt_without_duplicate"] = orientation_tilt(ends=False)  # channels k/25
    result["lesions"] = lesions()
    result["other_parameter_sets"] = {
        name: dict(orientation_tilt=orientation_tilt(p), depth=depth(p), direction_center_surround=direction_center_surround(p),
                   v1_plaids_mean_r2=v1_plaids(p)["mean_r2"])
        for name, p in (("refitted", REFITTED), ("mely", MELY))}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(plain(result), indent=1) + "\n")


if __name__ == "__main__":
    main()
