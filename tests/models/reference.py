"""Writes reference.csv beside this file: rates and steady states of the library's models, written here from the
papers' equations with dense NumPy and no shared code. Run it again after changing a model: python3 reference.py

Each line is case,quantity,index,value. A rate is taken at the state y[i] = scale ((37 i + 11) mod 101)/101 and the
input u[i] = ((53 i + 7) mod 97)/97, with i counting all elements in the order of the circuit's states (row-major).
"""
import csv
import pathlib

import numpy as np
from scipy.optimize import fsolve

rows = []


def state(size, scale=1.0):
    return scale * ((37 * np.arange(size) + 11) % 101) / 101


def drive(size):
    return ((53 * np.arange(size) + 7) % 97) / 97


def record(case, quantity, values):
    values = np.atleast_1d(values).ravel()
    picked = range(values.size) if values.size <= 40 else np.unique(np.linspace(0, values.size - 1, 40).astype(int))
    rows.extend((case, quantity, i, repr(float(values[i]))) for i in picked)
    if values.size > 40:
        rows.append((case, quantity, "sum", repr(float(values @ (1 + np.arange(values.size) % 7)))))


def logistic(x):
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


# --- isn ---------------------------------------------------------------------------------------------------------
r_E, r_I = state(2, 10.0)
record("isn", "rate", [(-r_E + 2 * r_E - 2 * r_I + 10) / 20, (-r_I + 2 * r_E - 0.5 * r_I) / 10])


# --- wilson_cowan --------------------------------------------------------------------------------------------------
def wilson_cowan(E, I, c, a, theta, tau, P, shifted, r):
    S0 = [shifted / (1 + np.exp(a[j] * theta[j])) for j in (0, 1)]
    S_E = 1 / (1 + np.exp(-a[0] * (c[0] * E - c[1] * I + P - theta[0]))) - S0[0]
    S_I = 1 / (1 + np.exp(-a[1] * (c[2] * E - c[3] * I - theta[1]))) - S0[1]
    return [(-E + (1 - S0[0] - r * E) * S_E) / tau[0], (-I + (1 - S0[1] - r * I) * S_I) / tau[1]]


FIG11 = dict(c=(16, 12, 15, 3), a=(1.3, 2), theta=(4, 3.7), tau=(8, 8), P=1.25, shifted=1, r=1)
FIG4 = dict(c=(12, 4, 13, 11), a=(1.2, 1), theta=(2.8, 4), tau=(8, 8), P=0, shifted=1, r=1)
WILSON_COWAN = {
    "limit_cycle": FIG11,
    "quiet": {**FIG11, "P": 0},
    "low": FIG4,
    "high": FIG4,
    "G1": dict(c=(16, 12, 15, 3), a=(1.5, 1.5), theta=(3, 3), tau=(2.5, 3.75), P=1.4, shifted=0, r=1),
    "G2": dict(c=(10, 6, 10, 1), a=(1.2, 2), theta=(2, 3.5), tau=(10, 10), P=0.5, shifted=0, r=0),
    "G3": {**FIG11, "tau": (4, 4)},
}
for name, settings in WILSON_COWAN.items():
    record(f"wilson_cowan {name}", "rate", wilson_cowan(*state(2), **settings))
record("wilson_cowan high", "steady", fsolve(lambda y: wilson_cowan(*y, **FIG4), [0.44, 0.23], xtol=1e-14))


# --- supralinear networks on a ring and a line ---------------------------------------------------------------------
def supralinear(y, h, W, k, n, tau):
    half = y.size // 2
    drive_of = h + W @ y
    return (-y + k * np.maximum(drive_of, 0) ** n) / np.repeat(tau, half)


def steady(h, W, k, n):
    """March to the neighbourhood of the steady state, then Newton."""
    y = np.zeros(h.size)
    for _ in range(6000):
        f = supralinear(y, h, W, k, n, (10, 5))
        y = y + 0.125 * (f + supralinear(y + 0.25 * f, h, W, k, n, (10, 5)))
    for _ in range(20):
        d = h + W @ y
        slope = k * n * np.maximum(d, 0) ** (n - 1)
        y = y - np.linalg.solve(slope[:, None] * W - np.eye(y.size), -y + k * np.maximum(d, 0) ** n)
    assert np.abs(-y + k * np.maximum(h + W @ y, 0) ** n).max() < 1e-11
    return y


theta = np.arange(180.0)
apart = np.abs(theta[:, None] - theta)
apart = np.minimum(apart, 180 - apart)
G = np.exp(-apart**2 / (2 * 32**2))
W = np.block([[0.044 * G, -0.023 * G], [0.042 * G, -0.018 * G]])


def grating(at):
    d = np.abs(theta - at)
    h = np.exp(-np.minimum(d, 180 - d) ** 2 / (2 * 30**2))
    return np.concatenate([h, h])


record("ssn_ring strong", "rate", supralinear(state(360, 20), 50 * grating(45), W, 0.04, 2, (20, 10)))
record("ssn_ring strong_pair", "rate", supralinear(state(360, 20), 50 * (grating(45) + grating(135)), W, 0.04, 2, (20, 10)))
for c in (1.25, 2.5, 5, 10, 40, 50):
    one = steady(c * grating(45), W, 0.04, 2)
    two = steady(c * (grating(45) + grating(135)), W, 0.04, 2)
    record(f"ssn_ring c={c}", "peaks", [one[:180].max(), one[180:].max(), two[45], two[45] / (one[45] + one[135])])

x = np.linspace(-50 / 3, 50 / 3, 101)
D = x[:, None] - x
W = np.block([[np.exp(-D**2 / (2 * (2 / 3) ** 2)), -np.eye(101)], [1.25 * np.exp(-D**2 / (2 * (4 / 3) ** 2)), -0.75 * np.eye(101)]])
LENGTHS = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 16]


def patch(c, length):
    h = c * logistic((x + length / 2) / (0.125 / 3)) * (1 - logistic((x - length / 2) / (0.125 / 3)))
    return np.concatenate([h, h])


for n, regime in ((2.0, "n20"), (2.2, "n22")):
    record(f"ssn_line {regime}", "rate", supralinear(state(202, 20), patch(50, 16), W, 0.01, n, (20, 10)))
    for c in (5, 10, 50):
        record(f"ssn_line {regime} c={c}", "centre", [steady(patch(c, length), W, 0.01, n)[50] for length in LENGTHS])


# --- dense images of space -------------------------------------------------------------------------------------------
def correlate(image, kernel):
    """Zero-padded; the kernel's centre is at size // 2. Axes (channel, y, x)."""
    ny, nx = image.shape[1:]
    ry, rx = (s // 2 for s in kernel.shape)
    padded = np.pad(image, ((0, 0), (ry, kernel.shape[0] - 1 - ry), (rx, kernel.shape[1] - 1 - rx)))
    out = np.zeros_like(image)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            if kernel[i, j] != 0:
                out += kernel[i, j] * padded[:, i : i + ny, j : j + nx]
    return out


def chebyshev_ring(outer, inner):
    k = np.ones((outer, outer))
    margin = (outer - inner) // 2
    k[margin : margin + inner, margin : margin + inner] = 0
    return k / (outer**2 - inner**2)


def broad(K, omega):
    """Weights of Q by distance: circulant[k, j] for a unit of channel k reading channel j."""
    z = np.arange(K) / (K - 1)
    raw = np.exp(-((z - z[K // 2]) ** 2) / (2 * omega**2))
    raw /= raw.sum()
    return np.array([np.roll(raw, k - K // 2) for k in range(K)])


def contextual(I, O, X, alpha, mu, beta, nu, gamma, delta):
    U = O.mean(axis=0)
    T = correlate(O, chebyshev_ring(29, 9))
    P = correlate(I, chebyshev_ring(9, 1))
    Q = np.tensordot(broad(X.shape[0], 0.15), I, axes=1)
    return np.stack([(np.maximum(4.5 * X - (alpha * I + mu) * U - (beta * I + nu) * T, 0) - 0.25 * I) / 6,
                     (np.maximum(gamma * P + delta * Q, 0) - 0.25 * O) / 6])


shape = (7, 17, 16)
size = int(np.prod(shape))
I, O = state(2 * size).reshape((2,) + shape)
X = drive(size).reshape(shape)
record("contextual paper", "rate", contextual(I, O, X, 1, 1, 3, 0.3, 1, 1))
record("contextual mely", "rate", contextual(I, O, X, 1, 1, 4.5, 0.45, 1, 1))
record("contextual refit", "rate", contextual(I, O, X, 0.731540646, 0.425687757, 2.082776929, 0.502167216, 1.009584401, 0.597332753))
record("crf_ecrf divisive_ratio", "rate", contextual(I, O, X, 1, 1, 3, 3, 1, 1))
for K in (6, 16, 25, 32, 64):
    record(f"contextual K={K}", "own channel and next two", broad(K, 0.15)[K // 2][K // 2 : K // 2 + 3])

shape = (6, 17, 16)
size = int(np.prod(shape))
r_E, r_I = state(2 * size, 20).reshape((2,) + shape)
X = drive(size).reshape(shape)
theta = 30.0 * np.arange(6)
apart = np.abs(theta[:, None] - theta)
apart = np.minimum(apart, 180 - apart)


def across(r, sd):
    return np.tensordot(np.exp(-apart**2 / (2 * sd**2)) / 6, r, axes=1)


def blob(reach, sd):
    d = np.arange(reach) - reach // 2
    return np.exp(-(d[:, None] ** 2 + d**2) / (2 * sd**2))


def across_space(r, kernel):
    """As correlate, by FFT."""
    ny, nx = (r.shape[i + 1] + kernel.shape[i] for i in (0, 1))
    full = np.fft.irfft2(np.fft.rfft2(r, (ny, nx)) * np.fft.rfft2(kernel, (ny, nx)), (ny, nx))
    return full[:, kernel.shape[0] // 2 :, kernel.shape[1] // 2 :][:, : r.shape[1], : r.shape[2]]


def plane(r_E, r_I, X, space):
    d = np.arange(7) - 3
    near = space(across(r_E, 55), (d[:, None] ** 2 + d**2 <= 9) * 1.0)
    far_E, far_I = (space(across(r_E, 25), blob(reach, sd)) for reach, sd in ((31, 3), (61, 6)))
    inhibition = space(across(r_I, 55), blob(21, 2))
    return np.stack([
        (-r_E + 0.01 * np.maximum(50 * X + 1.2 * (0.06 * near + 0.03 * far_E - 0.044 * inhibition), 0) ** 2.2) / 10,
        (-r_I + 0.01 * np.maximum(50 * X + 1.2 * (0.05 * near + 0.03 * far_I - 0.024 * inhibition), 0) ** 2.2) / 6.67])


record("ssn_2d paper", "rate", plane(r_E, r_I, X, correlate))
centres = []
d = np.arange(31) - 15
disc = d[:, None] ** 2 + d**2 <= 9
for contrast in (8, 16.4):
    tuned = np.exp(-np.minimum(np.abs(theta - 90), 180 - np.abs(theta - 90)) ** 2 / (2 * 20**2))
    X = contrast**3.5 / (11**3.5 + contrast**3.5) * tuned[:, None, None] * disc
    r = np.zeros((2,) + X.shape)
    while True:
        f = plane(*r, X, across_space)
        if np.abs(f).max() < 1e-7 and r.max() > 1:
            break
        r = r + 0.4 * (f + plane(*(r + 0.8 * f), X, across_space))
    centres.append(r[0, 3, 15, 15])
record("ssn_2d discs of radius 3", "centre", centres)

# --- normalisation ---------------------------------------------------------------------------------------------------
theta = np.linspace(0, 180, 37)
for name, (c_1, c_2) in {"one_grating": (50, 0), "equal": (12, 12), "winner": (50, 12)}.items():
    tuned = [np.exp(2.26 * (np.cos(np.deg2rad(2 * (theta - at))) - 1)) for at in (45, 135)]
    total = c_1**2.8 * tuned[0] + c_2**2.8 * tuned[1]
    record(f"normalisation {name}", "R", 0.022 + 0.908 * total / (6.89**2.8 + np.hypot(c_1, c_2) ** 2.8))

with open(pathlib.Path(__file__).with_name("reference.csv"), "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow(["case", "quantity", "index", "value"])
    writer.writerows(rows)
