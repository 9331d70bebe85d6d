"""Order of infinitely many Kuramoto oscillators over their coupling and over their delay.

    validation/reference/kuramoto.py          writes validation/data/kuramoto_theory.csv, kuramoto_delay_theory.csv

Lorentzian of half-width 1: r = sqrt(1 - 2/K). Any law g: 1 = K times the integral of cos^2(phi) g(K r sin(phi)) over
(-pi/2, pi/2). Uniform on (-1, 1), all locked where K r >= 1: r = (sqrt(1 - s^2) + asin(s)/s)/2 with s = 1/(K r).
Identical with noise D = 1: r = I_1(K r)/I_0(K r). Lorentzian of half-width gamma with a delay tau:
r^2 = 1 - 2 gamma/(K cos(Omega tau)), Omega = omega_0 - K/2 (1 + r^2) sin(Omega tau).
"""
from pathlib import Path

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import ive

DATA = Path(__file__).resolve().parents[1] / "data"


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


def noisy(K):
    if K <= 2:
        return 0.0
    return brentq(lambda r: ive(1, K * r) / ive(0, K * r) - r, 1e-3, 1)


def delayed(omega, gamma, K, tau):
    """(Omega, r), on the branch that begins at no delay."""
    square = lambda turn: 1 - 2 * gamma / (K * np.cos(turn * tau))
    turn = brentq(lambda w: omega - K / 2 * (1 + square(w)) * np.sin(w * tau) - w, 0, omega)
    return turn, np.sqrt(square(turn))


def write(name, about, columns, rows):
    (DATA / name).write_text("\n".join([f"# {about} (validation/reference/kuramoto.py)", columns, *rows]) + "\n")


if __name__ == "__main__":
    rows = []
    for law, couplings in ((lorentzian, [1, 2, 2.2, 2.35, 2.5, 2.75, 3, 3.5, 4, 5, 6, 8, 10]),
                           (lagging, [3, 4, 6, 10]),
                           (gaussian, [1, 1.4, 1.6, 1.65, 1.7, 1.8, 2, 2.5, 3, 4]),
                           (uniform, [1, 1.2, 1.273, 1.28, 1.3, 1.4, 1.5, 2, 3]),
                           (noisy, [1, 1.5, 2, 2.25, 2.5, 3, 4, 6])):
        rows += [f"{law.__name__.capitalize()},{K},{law(K):.8f}" for K in couplings]
    write("kuramoto_theory.csv", "Order parameter of infinitely many oscillators", "law,K,r", rows)
    rows = []
    for law, omega, gamma, K, delays in (("Wide", 2, 0.5, 3, np.arange(11) / 20), ("Narrow", 2, 0.2, 2, [0.3])):
        for tau in delays:
            turn, r = delayed(omega, gamma, K, tau)
            rows.append(f"{law},{tau:g},{r:.8f},{turn:.8f},{turn / (2 * np.pi):.8f}")
    write("kuramoto_delay_theory.csv", "Order and frequency of infinitely many delayed oscillators; omega_0 = 2 rad/s",
          "law,tau,r,Omega,frequency", rows)
