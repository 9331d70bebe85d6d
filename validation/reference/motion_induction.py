"""Motion induction in random dots (Murakami & Shimojo 1996): a reduced run of the published protocol.

Half of the pixels hold a dot; the others hold no stimulus. A dot moves in one of ten directions u = 0, 0.1, ..., 0.9; the
signal direction has probability (1 + 9 c)/10 at coherence c. The surround (Chebyshev radius w/2 to w) drifts to u = 0.3
at c = 4/9; the centre (radius < w/2) drifts to 0.3 (c > 0) or to the opposite, 0.8 (c < 0). The decoded direction at the
centre pixel, projected on the surround's direction and averaged over trials, is fitted by a logistic function of c; its
midpoint is the point of subjective stationarity: > 0 is motion contrast, < 0 is assimilation.

Reduced: 8 trials instead of 25, 11 coherences instead of 21, 71 x 71 pixels around the centre instead of 201 x 201 (what
lies beyond acts on the centre pixel only through two passages of both pools), one estimate of the midpoint instead of two.
Random numbers are NumPy's Philox with seed 1996, so another generator agrees within the error only.
"""
import json
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

from circuit import PAPER, Circuit, encode, vote

GRID, K, S, TRIALS = 71, 32, 1.0, 8
WIDTHS = [4, 6, 8, 12, 16, 24, 32, 40, 64]
COHERENCES = np.linspace(-1, 1, 11)


def directions(rng, shape, signal, coherence):
    take = rng.random(shape) < coherence  # the other dots draw from all ten: P(signal) = c + (1 - c)/10
    return np.where(take, signal, rng.integers(0, 10, shape) / 10)


def display(rng, width, coherence):
    axis = np.abs(np.arange(GRID) - GRID // 2)
    radius = np.maximum.outer(axis, axis)
    signal = 0.3 if coherence > 0 else 0.8
    u = np.where(radius < width / 2, directions(rng, radius.shape, signal, abs(coherence)),
                 directions(rng, radius.shape, 0.3, 4 / 9))
    return np.where((radius < width) & (rng.random(radius.shape) < 0.5), u, np.nan)


def main():
    rng = np.random.Generator(np.random.Philox(1996))
    circuit = Circuit(PAPER, (GRID, GRID), K)
    mean, error, midpoint = [], [], []
    for width in WIDTHS:
        projection = np.empty((len(COHERENCES), TRIALS))
        for n, coherence in enumerate(COHERENCES):
            for trial in range(TRIALS):
                x = encode(display(rng, width, coherence)[None], K, S)
                o = circuit.fixed_point(x, tolerance=1e-6)[1][0, GRID // 2, GRID // 2]
                projection[n, trial] = np.cos(2 * np.pi * (vote(o) - 0.3))
        mean.append(projection.mean(1))
        error.append(projection.std(1, ddof=1) / np.sqrt(TRIALS))
        logistic = lambda c, c0, w: np.tanh((c - c0) / w)
        fit, covariance = curve_fit(logistic, COHERENCES, mean[-1], p0=[0.0, 0.5])
        midpoint.append((100 * fit[0], 100 * np.sqrt(covariance[0, 0])))
        print(width, midpoint[-1], mean[-1].round(2), flush=True)
    result = dict(width_px=WIDTHS, size_deg=[w / 8 for w in WIDTHS], coherence=COHERENCES.tolist(),
                  projection=np.array(mean).tolist(), projection_sem=np.array(error).tolist(),
                  pse_percent=[m[0] for m in midpoint], pse_error_percent=[m[1] for m in midpoint])
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
