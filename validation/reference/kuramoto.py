"""Order of infinitely many Kuramoto oscillators over their coupling, for three laws of frequencies.

    validation/reference/kuramoto.py          writes validation/data/kuramoto_theory.csv

Lorentzian of half-width 1: r = sqrt(1 - 2/K). Any law g: 1 = K times the integral of cos^2(phi) g(K r sin(phi)) over
(-pi/2, pi/2). Uniform on (-1, 1), all locked where K r >= 1: r = (sqrt(1 - s^2) + asin(s)/s)/2 with s = 1/(K r).
"""
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

OUT = Path(__file__).resolve().parents[1] / "data" / "kuramoto_theory.csv"


def lorentzian(K):
    return np.sqrt(1 - 2 / K) if K > 2 else 0.0


def lagging(K):
    """Lorentzian with a lag of 0.5."""
    return np.sqrt(1 - 2 / (K * np.cos(0.5)))


def gaussian(K):
    if K <= np.sqrt(8 / np.pi):
        return 0.0
    g = lambda w: np.exp(-w * w / 2) / np.sqrt(2 * np.pi)
    return brentq(lambda r: K * quad(lambda p: np.cos(p) ** 2 * g(K * r * np.sin(p)), -np.pi / 2, np.pi / 2)[0] - 1, 1e-3, 1)


def uniform(K):
    if K <= 4 / np.pi:
        return 0.0
    half = lambda r: (np.sqrt(1 - (1 / (K * r)) ** 2) + K * r * np.arcsin(1 / (K * r))) / 2
    return brentq(lambda r: half(r) - r, 1.0000001 / K, 1)


if __name__ == "__main__":
    rows = ["# Order parameter of infinitely many oscillators (validation/reference/kuramoto.py)", "law,K,r"]
    for law, couplings in ((lorentzian, [1, 2, 2.2, 2.35, 2.5, 2.75, 3, 3.5, 4, 5, 6, 8, 10]),
                           (lagging, [3, 4, 6, 10]),
                           (gaussian, [1, 1.4, 1.6, 1.65, 1.7, 1.8, 2, 2.5, 3, 4]),
                           (uniform, [1, 1.2, 1.273, 1.28, 1.3, 1.4, 1.5, 2, 3])):
        name = law.__name__.capitalize()
        rows += [f"{name},{K},{law(K):.8f}" for K in couplings]
    OUT.write_text("\n".join(rows) + "\n")
