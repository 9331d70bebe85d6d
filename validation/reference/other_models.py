"""Reference numbers of the other models: SSN, Wilson-Cowan, inhibition-stabilised pair, FitzHugh-Nagumo, normalisation.

Fixed points are solved by Newton's method from an integrated start (residual below 1e-12); periods are times between
upward passages of a section on the settled cycle, integrated with DOP853 at rtol 1e-12. Run `python3 other_models.py` to
rewrite other_models.json. Needs NumPy and SciPy only.
"""
import json
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, curve_fit

from contextual import column, plain, table


def settle(f, jacobian, y, time, repeats=60):
    """Integrate until the state hardly moves, then Newton."""
    for _ in range(repeats):
        y = solve_ivp(lambda _, v: f(v), (0, time), y, method="LSODA", rtol=1e-9, atol=1e-11).y[:, -1]
        if np.abs(f(y)).max() < 1e-9 * max(1, np.abs(y).max()):
            break
    for _ in range(20):
        y = y - np.linalg.solve(jacobian(y), f(y))
    assert np.abs(f(y)).max() < 1e-12 * max(1, np.abs(y).max()), np.abs(f(y)).max()
    return y


# --- Stabilised supralinear network (Rubin, Van Hooser & Miller 2015) ---------------------------------------------------


def ssn(weights, tau, k, n, drive, y0=None):
    """Fixed point r of tau dr/dt = -r + k [drive + weights r]_+^n and the largest real part of its Jacobian [1/ms]."""

    def f(r):
        return (k * np.maximum(drive + weights @ r, 0) ** n - r) / tau

    def jacobian(r):
        gain = k * n * np.maximum(drive + weights @ r, 0) ** (n - 1)
        return (gain[:, None] * weights - np.eye(len(r))) / tau[:, None]

    r = settle(f, jacobian, np.zeros(len(drive)) if y0 is None else y0, 2000.0)
    return r, np.linalg.eigvals(jacobian(r)).real.max()


RING = 180


def ring_distance(i, j):
    d = np.abs(np.subtract(i, j))
    return np.minimum(d, RING - d)


def ring_network():
    shape = np.exp(-ring_distance(*np.ogrid[:RING, :RING]) ** 2 / (2 * 32.0**2))
    weights = np.block([[0.044 * shape, -0.023 * shape], [0.042 * shape, -0.018 * shape]])
    return lambda drive: ssn(weights, np.repeat([20.0, 10.0], RING), 0.04, 2.0, drive)


def grating(at):
    return np.exp(-(ring_distance(np.arange(RING), at) ** 2) / (2 * 30.0**2))


def ssn_ring():
    n, steady, rows = RING, ring_network(), []
    first, second = grating(45), grating(135)
    for c in (1.25, 2.5, 5, 10, 20, 40, 50):
        one, stable_one = steady(c * np.tile(first, 2))
        both, stable_both = steady(c * np.tile(first + second, 2))
        rows.append(dict(c=c, r_E_peak=one[:n].max(), r_I_peak=one[n:].max(), r_E_45_plaid=both[45],
                         r_I_45_plaid=both[n + 45], r_E_135_single=one[135], ratio=both[45] / (one[45] + one[135]),
                         growth_single_per_ms=stable_one, growth_plaid_per_ms=stable_both))
    return dict(N=RING, J_EE=0.044, J_IE=0.042, J_EI=0.023, J_II=0.018, sigma_ori_deg=32, sigma_FF_deg=30, k=0.04, n=2.0,
                tau_E_ms=20, tau_I_ms=10, rows=rows)


def ssn_paradoxical():
    """Changes at the stimulus for an extra drive of 2 of every inhibitory unit."""
    steady, rows = ring_network(), []
    for c in (1.25, 5, 20, 50):
        drive = c * np.tile(grating(45), 2)
        before, after = (steady(drive + np.repeat([0.0, extra], RING))[0] for extra in (0.0, 2.0))
        change = after - before
        rows.append(dict(c=c, r_E_change=change[45], r_I_change=change[RING + 45]))
    return dict(extra=2, rows=rows)


def ssn_line():
    n = 101
    x = (np.arange(n) - 50) / 3
    d2 = np.subtract.outer(x, x) ** 2
    ee, ie = np.exp(-d2 / (2 * (2 / 3) ** 2)), 1.25 * np.exp(-d2 / (2 * (4 / 3) ** 2))
    weights = np.block([[ee, -np.eye(n)], [ie, -0.75 * np.eye(n)]])
    tau = np.repeat([10.0, 20 / 3], n)
    s = 0.125 / 3
    lengths = np.arange(0.5, 16.01, 0.5)
    result = dict(N=n, spacing_deg=1 / 3, k=0.01, tau_ms=[10, 20 / 3], length_deg=lengths, cases=[])
    sigmoid = lambda z: 0.5 * (1 + np.tanh(z / 2))
    for power in (2.0, 2.2):
        for c in (5, 10, 50):
            centre, inhibitory, growth = [], [], []
            y = None
            for length in lengths:
                window = sigmoid((x + length / 2) / s) * (1 - sigmoid((x - length / 2) / s))
                y, g = ssn(weights, tau, 0.01, power, c * np.tile(window, 2))
                centre.append(y[50])
                inhibitory.append(y[n + 50])
                growth.append(g)
            best = int(np.argmax(centre))
            result["cases"].append(dict(n=power, c=c, r_E=centre, r_I=inhibitory, peak=centre[best],
                                        peak_length_deg=lengths[best], suppression_index=1 - centre[-1] / centre[best],
                                        largest_growth_per_ms=max(growth)))
    return result


def ssn_2d():
    """Rates at the centre of 75 x 75 places of 12 orientations for discs at 0 deg, by Heun's method on FFT convolutions.

    Discs are given by the radius in elements. A fixed point: no rate changes by more than 1e-8 Hz a ms.
    """
    n, k = 75, 12
    offset = np.arange(n) - n // 2
    distance2 = offset[:, None] ** 2 + offset**2
    gaussian = lambda sd: np.where(np.abs(offset) <= 5 * sd, np.exp(-(offset**2) / (2 * sd**2)), 0)
    turn = 15.0 * np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    turn = np.minimum(turn, 180 - turn)
    over_orientation = lambda sd: np.exp(-(turn**2) / (2 * sd**2)) / k
    spectrum = lambda kernel: np.fft.rfft2(np.pad(kernel, (0, n)))
    shapes = {"near": (spectrum(1.0 * (distance2 <= 9)), over_orientation(55)),
              "far_E": (spectrum(np.outer(gaussian(3), gaussian(3))), over_orientation(25)),
              "far_I": (spectrum(np.outer(gaussian(6), gaussian(6))), over_orientation(25)),
              "inhibition": (spectrum(np.outer(gaussian(2), gaussian(2))), over_orientation(55))}

    def reach(name, source):
        space, tuning = shapes[name]
        spread = np.fft.irfft2(np.tensordot(tuning, source, 1) * space, (2 * n, 2 * n))
        return spread[:, n // 2 : n // 2 + n, n // 2 : n // 2 + n]

    def rate(r, drive):
        e, i = (np.fft.rfft2(np.pad(part, ((0, 0), (0, n), (0, n)))) for part in r)
        near, inhibition = reach("near", e), reach("inhibition", i)
        to_e = 50 * drive + 1.2 * (0.06 * near + 0.03 * reach("far_E", e) - 0.044 * inhibition)
        to_i = 50 * drive + 1.2 * (0.05 * near + 0.03 * reach("far_I", e) - 0.024 * inhibition)
        steady = 0.01 * np.maximum([to_e, to_i], 0) ** 2.2
        return (steady - r) / np.array([10.0, 6.67])[:, None, None, None]

    kappa, rows = 1 / 0.698**2, []
    tuned = np.exp(kappa * (np.cos(2 * np.radians(15.0 * np.arange(k))) - 1))
    for contrast, radius in ((8, 3), (16.4, 3), (16.4, 12)):
        drive = tuned[:, None, None] * (distance2 <= radius**2) / (1 + (11 / contrast) ** 3.5)
        r = np.zeros((2, k, n, n))
        f = rate(r, drive)
        while np.abs(f).max() > 1e-8:
            r = r + 0.5 * (f + rate(r + f, drive))
            f = rate(r, drive)
        rows.append(dict(contrast=contrast, radius=radius, r_E=r[0, 0, n // 2, n // 2], r_I=r[1, 0, n // 2, n // 2]))
    return dict(rows=rows)


# --- Cycles -----------------------------------------------------------------------------------------------------------


def cycle(f, y0, settle_time, section, watch=0, cycles=5):
    """Period and range of component `watch`, from upward passages of it through `section`."""
    y = solve_ivp(f, (0, settle_time), y0, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    crossing = lambda _, v: v[watch] - section
    crossing.direction = 1
    s = solve_ivp(f, (0, settle_time), y, method="DOP853", rtol=1e-12, atol=1e-14, events=crossing, dense_output=True)
    times = []
    for t in s.t_events[0]:
        times.append(t)
    if len(times) < cycles + 1:
        return None
    period = (times[-1] - times[-1 - cycles]) / cycles
    t = np.linspace(times[-2], times[-1], 4001)
    v = s.sol(t)[watch]

    def refine(sign):
        j = int(np.argmax(sign * v[1:-1])) + 1
        slope = lambda z: f(z, s.sol(z))[watch]
        return s.sol(brentq(slope, t[j - 1], t[j + 1], xtol=1e-13))[watch]

    return dict(period=period, low=refine(-1), high=refine(+1))


def wilson_cowan(c, slopes, thresholds, tau, shifted, refractory, drive):
    """c = (E to E, I to E, E to I, I to I). `shifted`: the sigmoid is 0 at 0 and the ceiling is lowered likewise (1972)."""
    (ee, ei, ie, ii), (a_e, a_i), (t_e, t_i) = c, slopes, thresholds
    offset = [1 / (1 + np.exp(a * t)) if shifted else 0.0 for a, t in ((a_e, t_e), (a_i, t_i))]
    ceiling = [1 - o for o in offset]

    def f(_, y):
        e, i = y
        s_e = 1 / (1 + np.exp(-a_e * (ee * e - ei * i + drive[0] - t_e))) - offset[0]
        s_i = 1 / (1 + np.exp(-a_i * (ie * e - ii * i + drive[1] - t_i))) - offset[1]
        return np.array([(-e + (ceiling[0] - refractory * e) * s_e) / tau[0],
                         (-i + (ceiling[1] - refractory * i) * s_i) / tau[1]])

    return f


def solve_2d(f, y):
    """Fixed point near y : integration, then Newton with central differences."""
    y = solve_ivp(f, (0, 5000), y, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
    for _ in range(20):
        jac = np.stack([(f(0, y + h) - f(0, y - h)) / 2e-6 for h in 1e-6 * np.eye(2)], 1)
        y = y - np.linalg.solve(jac, f(0, y))
    assert np.abs(f(0, y)).max() < 1e-14
    return y


def wilson_cowan_presets():
    hysteresis = wilson_cowan((12, 4, 13, 11), (1.2, 1.0), (2.8, 4.0), (8, 8), True, 1, (0, 0))
    original = lambda tau, p: wilson_cowan((16, 12, 15, 3), (1.3, 2.0), (4.0, 3.7), (tau, tau), True, 1, (p, 0))
    g1 = lambda p: wilson_cowan((16, 12, 15, 3), (1.5, 1.5), (3, 3), (2.5, 3.75), False, 1, (p, 0))
    g2 = lambda tau: wilson_cowan((10, 6, 10, 1), (1.2, 2.0), (2, 3.5), (tau, tau), False, 0, (0.5, 0))
    result = dict(
        hysteresis_high=solve_2d(hysteresis, [0.44, 0.23]), hysteresis_rest=solve_2d(hysteresis, [0.01, 0.01]),
        limit_cycle_1972=cycle(original(8, 1.25), [0.1, 0.05], 2000, 0.18), original_P0=solve_2d(original(8, 0), [0.1, 0.05]))
    result["limit_cycle_1972"]["I"] = cycle(original(8, 1.25), [0.1, 0.05], 2000, 0.12, watch=1)
    result["G1"] = []
    for p in (0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8):
        f = g1(p)
        y = solve_ivp(f, (0, 3000), [0.1, 0.05], method="DOP853", rtol=1e-10, atol=1e-12)
        tail = y.y[0][y.t > 2500]
        if np.ptp(tail) < 1e-3:
            result["G1"].append(dict(P=p, frequency_Hz=None, fixed_point=solve_2d(f, y.y[:, -1])))
        else:
            c = cycle(f, y.y[:, -1], 2000, 0.5 * (tail.min() + tail.max()))
            result["G1"].append(dict(P=p, frequency_Hz=1000 / c["period"], period_ms=c["period"],
                                     peak_to_peak_E=c["high"] - c["low"]))
    c = cycle(g2(10.0), [0.1, 0.05], 3000, 0.3)
    result["G2"] = dict(frequency_Hz=1000 / c["period"], period_ms=c["period"], peak_to_peak_E=c["high"] - c["low"])
    result["G3"] = []
    for tau in (8.0, 4.0, 3.0):
        c = cycle(original(tau, 1.25), [0.1, 0.05], 250 * tau, 0.18)
        result["G3"].append(dict(tau_ms=tau, frequency_Hz=1000 / c["period"], period_ms=c["period"]))
    return result


def fitzhugh_nagumo():
    """dv/dt = v - v^3/3 - w + I, dw/dt = (v + a - b w)/tau."""
    a, b, tau, current = 0.7, 0.8, 12.5, 0.5
    f = lambda _, y: np.array([y[0] - y[0] ** 3 / 3 - y[1] + current, (y[0] + a - b * y[1]) / tau])
    times = [0, 1, 2, 5, 10, 20, 50, 100]
    y, states = np.array([-1.0, -0.5]), [[-1.0, -0.5]]
    for start, end in zip(times[:-1], times[1:]):
        y = solve_ivp(f, (start, end), y, method="DOP853", rtol=3e-14, atol=1e-15).y[:, -1]
        states.append(y)
    return dict(a=a, b=b, tau=tau, I=current, t=times, v=[s[0] for s in states], w=[s[1] for s in states],
                cycle=cycle(f, [-1.0, -0.5], 1000, 0.0))


def inhibition_stabilised_pair():
    """tau_E dr_E/dt = -r_E + w_EE r_E - w_EI r_I + h_E and likewise I: response to more drive of the inhibitory unit."""
    w_ee, w_ei, w_ie, w_ii = 2.0, 2.0, 2.0, 0.5
    m = np.array([[w_ee - 1, -w_ei], [w_ie, -w_ii - 1]])
    rate = np.diag([1 / 20, 1 / 10]) @ m
    susceptibility = -np.linalg.inv(m)  # columns: h_E, h_I
    base = susceptibility @ [10.0, 5.0]
    f = lambda _, r: np.diag([1 / 20, 1 / 10]) @ (m @ r + [10.0, 6.0])
    times = [0, 5, 10, 20, 40, 80, 160, 320]
    s = solve_ivp(f, (0, 320), base, method="DOP853", t_eval=times, rtol=1e-13, atol=1e-14)
    return dict(w_EE=w_ee, w_EI=w_ei, w_IE=w_ie, w_II=w_ii, tau_ms=[20, 10], determinant=np.linalg.det(m),
                susceptibility=susceptibility, eigenvalues_per_ms=[[e.real, e.imag] for e in np.linalg.eigvals(rate)],
                h_before=[10, 5], h_after=[10, 6], rest_before=base, rest_after=susceptibility @ [10.0, 6.0],
                t_ms=times, r_E=s.y[0], r_I=s.y[1])


def normalisation():
    """R = b + rmax (c0^n f(theta) + c90^n f(theta - 90)) / (c50^n + crms^n), f(d) = exp(kappa (cos 2d - 1))."""
    rows = table("v1_population_busse_wade_carandini_2009.csv")
    c0, c90, angle, y = (column(rows, n) for n in ("c0_percent", "c90_percent", "pref_deg", "response"))

    def model(_, rmax, c50, n, kappa, b):
        f = lambda d: np.exp(kappa * (np.cos(2 * np.radians(d)) - 1))
        rms = np.hypot(c0, c90)
        return b + rmax * (c0**n * f(angle) + c90**n * f(angle - 90)) / (c50**n + rms**n)

    rounded = (0.908, 6.89, 2.80, 2.26, 0.022)
    fit, _ = curve_fit(model, angle, y, p0=rounded, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    r2 = lambda p: 1 - ((y - model(angle, *p)) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    names = ("rmax", "c50_percent", "n", "kappa", "b")
    return dict(fit=dict(zip(names, fit)), R2=r2(fit), rounded=dict(zip(names, rounded)), R2_rounded=r2(rounded),
                response_rounded=model(angle, *rounded))


def main():
    result = {}
    for part in (inhibition_stabilised_pair, fitzhugh_nagumo, wilson_cowan_presets, normalisation, ssn_ring, ssn_paradoxical, ssn_2d, ssn_line):
        result[part.__name__] = part()
        print(part.__name__, flush=True)
    Path(__file__).with_suffix(".json").write_text(json.dumps(plain(result), indent=1) + "\n")


if __name__ == "__main__":
    main()
