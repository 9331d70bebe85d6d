"""Motion induction in random dots (Murakami & Shimojo 1996), as examples/induced_motion.toml has it with 16 trials,
of the same dots.

Half of the pixels hold a dot; the others hold no stimulus. A dot moves in one of ten directions u = 0, 0.1, ..., 0.9; the
signal direction has probability (1 + 9 c)/10 at coherence c. The surround (Chebyshev radius w/2 to w) drifts to u = 0.3
at c = 4/9; the centre (radius < w/2) drifts to 0.3 (c > 0) or to the opposite, 0.8 (c <= 0). The decoded direction at the
centre pixel, projected on the surround's direction and averaged over trials, is fitted by tanh((c - c0)/w); c0 is the
point of subjective stationarity: > 0 is motion contrast, < 0 is assimilation.

Reduced: 16 trials instead of 25, 7 coherences instead of 21, 51 x 51 pixels around the centre instead of 201 x 201, one
estimate of the midpoint instead of two.
"""
import json
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit

from circuit import PAPER, Circuit, encode, vote
from random_words import uniforms

GRID, K, S, TRIALS = 51, 32, 1.0, 16
WIDTHS = [6, 8, 12, 16, 24]
COHERENCES = np.linspace(-100, 100, 7)


def dots(seed, where, signal, coherence):
    """Directions in the places of a mask, drawn row by row, three numbers each; NaN where no dot is."""
    draws = uniforms(seed, "dots", 3 * where.sum()).reshape(-1, 3)
    coherent = draws[:, 1] < coherence
    direction = signal + np.where(coherent, 0, np.floor(10 * draws[:, 2]) / 10)
    u = np.full(where.shape, np.nan)
    u[where] = np.where(draws[:, 0] < 0.5, np.where(direction > 1, direction - 1, direction), np.nan)
    return u


def display(width, coherence, trial):
    axis = np.abs(np.arange(GRID) - GRID // 2)
    radius = np.maximum.outer(axis, axis)
    seed = round(200 * trial + coherence + 100)
    surround = dots(seed, (radius >= width / 2) & (radius < width), 0.3, 4 / 9)
    centre = dots(seed + 100000 - 100, radius < width / 2, 0.3 if coherence > 0 else 0.8, abs(coherence) / 100)
    return np.where(radius < width / 2, centre, surround)


def main():
    circuit = Circuit(PAPER, (GRID, GRID), K)
    projection, midpoint = [], []
    for width in WIDTHS:
        x = np.concatenate([encode(display(width, c, t)[None], K, S) for c in COHERENCES for t in range(TRIALS)])
        o = circuit.fixed_point(x, tolerance=1e-10)[1][:, GRID // 2, GRID // 2]
        cosine = np.cos(2 * np.pi * (vote(o) - 0.3)).reshape(len(COHERENCES), TRIALS)
        projection.append(cosine.mean(1))
        fit, _ = curve_fit(lambda c, c0, w: np.tanh((c - c0) / w), COHERENCES / 100, projection[-1], p0=[0.0, 0.5],
                           xtol=1e-12, ftol=1e-12)
        midpoint.append(100 * fit[0])
        print(width, midpoint[-1], projection[-1].round(4), flush=True)
    result = dict(width_px=WIDTHS, coherence=(COHERENCES / 100).tolist(), projection=np.array(projection).tolist(),
                  pse_percent=midpoint)
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
