"""Oscillators, rhythms and waves, beside theory and computed targets."""

import csv
from statistics import NormalDist

import numpy as np

from items.item import REFERENCE, Item, Value, analysis, at, load

PHASE = "Rhythms and synchrony"
DELAYS = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
COUPLINGS = ["mean_field", "dense", "ring", "smooth_ring", "few"]


def theory(law, where, column="r", by="K"):
    """A column of infinitely many oscillators, at these couplings or delays (by = "tau")."""
    def get():
        table = "kuramoto_theory" if by == "K" else "kuramoto_delay_theory"
        lines = (REFERENCE.parent / "data" / f"{table}.csv").read_text().splitlines()[1:]
        known = {float(row[by]): float(row[column]) for row in csv.DictReader(lines) if row["law"] == law}
        return np.array([known[at] for at in where])

    return get


def turning(*conditions):
    """At what the oscillators turn that lock: the median of all [rad/s]."""
    return lambda recording: 2 * np.pi * np.median(recording["analysis/frequency"][()], axis=-1)[conditions]


def delay_row(name, phenomenon, law, delay, settings):
    """Delayed oscillators at one delay beside theory, to its published digits."""
    return Item(name, phenomenon, "kuramoto_delay",
                ["settings.unit=4000", f"conditions.delay.values=[{delay}]", 'run.step="5 ms"', *settings],
                values=[Value("r", analysis("order", 0), at(theory(law, [delay], by="tau"), 0), within=1e-3),
                        Value("Omega", turning(0), at(theory(law, [delay], "Omega", "tau"), 0), "rad/s", within=1e-3)],
                score="", misses="theory is of infinitely many oscillators", group=PHASE)


def relaxing(t, start=0.2, K=4):
    """r of infinitely many oscillators from the manifold of Ott and Antonsen."""
    end = np.sqrt(1 - 2 / K)
    return end / np.sqrt(1 + ((end / start) ** 2 - 1) * np.exp(-(K - 2) * t))


def sheet_speed(waves, signal, K=10, omega=2 * np.pi * 10, reach=2, synaptic=0.002, rows=8, columns=24):
    """Speed of a plane wave over kuramoto_sheet: Omega = omega - K sum w(d) sin(Omega tau(d) + k dx)."""
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    d = np.hypot(np.minimum(y, rows - y), np.minimum(x, columns - x))
    w = np.where(d > 0, np.exp(-d * d / (2 * reach**2)), 0)
    w /= w.sum()
    k, turn = 2 * np.pi * waves / columns, omega
    for _ in range(500):
        turn = 0.5 * turn + 0.5 * (omega - K * (w * np.sin(turn * (synaptic + d / signal) + k * x)).sum())
    return turn / k


def rate_of(form):
    """What a step of Euler's method over 1 s changed."""
    return lambda recording: recording[form][1] - recording[form][0]


def double_sum(form, n=160):
    """sum over j of W_ij sin(theta_j - theta_i - 0.3), as examples/couplings.circuit has the weights."""
    def get():
        i, j = np.arange(n)[:, None], np.arange(n)[None, :]
        theta = 3 * np.sin(0.7 * np.arange(n) ** 2)
        away = np.minimum(abs(i - j), n - abs(i - j))
        W = {"mean_field": np.full((n, n), 2 / n), "dense": np.cos(i * j) / n,
             "ring": np.where((away > 0) & (away <= 10), 0.05, 0.0),
             "smooth_ring": (1 + 0.9 * np.cos(2 * np.pi * (i - j) / n)) / n,
             "few": np.where((j - i) % n == 3, 0.5, 0.0) + np.where((j - i) % n == 11, -0.25, 0.0)}[form]
        return (W * np.sin(theta[None, :] - theta[:, None] - 0.3)).sum(1)

    return get


def stuart_landau(z):
    """Z at the recorded phases of a cycle of radius 1, in ms: over the angular frequency of 1.5 1/ms."""
    return z(2 * np.pi * np.arange(257) / 256) / 1.5


def chirp_advance(recording):
    """Away from the ends, where the filter has less to go by."""
    phase = np.unwrap(recording["analysis/chirp_phase"][()].ravel())
    return np.diff(phase)[200:-200].min()


def onset(name, phenomenon, law, couplings, settings, floor="", chance=0.0, said=None, more=()):
    """An r(K) curve beside its theory; `chance`: below the onset, where theory has none, so many oscillators have less."""
    below = [Value(floor, analysis("order", 0), lambda: 0.0, within=chance)] if floor else []
    first = 1 if floor else 0
    return Item(name, phenomenon, "kuramoto_onset",
                [f"conditions.K.values={[*couplings]}", f'analysis[0].compare.where={{law="{law}"}}', *settings],
                values=below + [Value(f"r at {', '.join(f'{K:g}' for K in couplings[first:])}",
                                      lambda r: r["analysis/order"][first:], theory(law, couplings[first:]), within=2e-3), *more],
                said=said, score="", misses="theory is of infinitely many oscillators; here there are 2000", group=PHASE)


def gaussian_quantiles(n):
    law = NormalDist()
    quantiles = [law.inv_cdf((i + 0.5) / n) for i in range(n)]
    return "[" + ", ".join(f'"{x:.12f} 1/s"' for x in quantiles) + "]"


def special(kind, name="parameter"):
    def get(recording):
        found = recording.get("special")  # none where nothing is special
        return np.array([]) if found is None else found[name][()][found["kind"].asstr()[()] == kind]

    return get


def branch_reference(*names):
    return lambda: np.sort(np.concatenate([np.atleast_1d(load("branches", n)) for n in names]))


def at_eighths(name):
    """A response at eight phases, of 256 recorded and the end."""
    return lambda recording: recording[f"response/{name}"][0:256:32]


def locked_share(recording):
    f = recording["analysis/frequency"][()]
    return np.mean(np.abs(f - np.median(np.sort(f)[:60])) < 2e-4)


ITEMS = [
    onset("kuramoto_lorentzian", "onset of synchrony, Lorentzian frequencies", "Lorentzian", [1, 2.35, 2.5, 3, 4, 6, 10], [],
          floor="r at 1, below the onset at 2", chance=0.035),
    onset("kuramoto_lagging", "the same with a lag of 0.5", "Lagging", [3, 4, 6, 10], ["parameters.alpha=0.5"],
          more=[Value("Omega at 4", turning(1), lambda: -1.371400, "rad/s", within=2e-3)]),
    onset("kuramoto_gaussian", "Gaussian frequencies", "Gaussian", [1.4, 1.7, 1.8, 2, 3, 4],
          ["parameters.gamma=0 1/s", f"parameters.detuning={gaussian_quantiles(2000)}", 'run.step="50 ms"', 'run.duration="600 s"',
           'analysis[0].from="300 s"', 'analysis[1].from="300 s"'], floor="r at 1.4, below the onset at 1.596", chance=0.031,
          said=["detuning: Gaussian quantiles"]),
    onset("kuramoto_uniform", "uniform frequencies: the onset is a jump to pi/4", "Uniform", [1.2, 1.3, 1.4, 1.5, 2, 3],
          ["parameters.gamma=0 1/s", "parameters.width=1 1/s", 'run.step="50 ms"', 'run.duration="600 s"', 'analysis[0].from="300 s"',
           'analysis[1].from="300 s"'], floor="r at 1.2, below the onset at 1.273", chance=0.025),
    Item("relaxation", "order of 20000 oscillators as it grows from 0.2", "relaxation",
         values=[Value("r at 0.5, 1, 1.5, 2, 2.5, 3 s", lambda r: r["r"][10::10], lambda: relaxing(np.arange(1, 7) / 2), within=5e-3)],
         misses="the reference is the closed form of infinitely many oscillators", group=PHASE),
    Item("kuramoto_delay", "oscillators that see each other later, over the delay", "kuramoto_delay",
         values=[Value("r at 0, 0.1, 0.2, 0.3, 0.4, 0.5 s", analysis("order"), theory("Wide", DELAYS, by="tau"), within=2e-3),
                 Value("Omega", turning(slice(None)), theory("Wide", DELAYS, "Omega", "tau"), "rad/s", within=2e-3)],
         misses="theory is of infinitely many oscillators; here there are 1000", group=PHASE),
    delay_row("kuramoto_delay_slowed", "4000 of them, K = 3, half-width 0.5, delay 0.5 s", "Wide", 0.5, []),
    delay_row("kuramoto_delay_tight", "4000 of them, K = 2, half-width 0.2, delay 0.3 s", "Narrow", 0.3,
              ["parameters.K=2 1/s", "parameters.gamma=0.2 1/s"]),
    Item("kuramoto_noise", "identical oscillators with noise of their own", "kuramoto_noise",
         values=[Value("r at K/D = 1, 1.5, below the onset at 2, and 2.5, close to it", lambda r: r["analysis/order"][:3], None),
                 Value("r at K/D = 3, 4, 6", lambda r: r["analysis/order"][3:], theory("Noisy", [3, 4, 6]), within=1e-2)],
         misses="theory is of infinitely many oscillators; here 2000 scatter by N^(-1/2) and more near the onset", group=PHASE),
    Item("kuramoto_sheet", "waves over a sheet with delays by distance", "kuramoto_sheet",
         values=[Value("speed of one and two waves, signals of 100, 200, 400 places/s", lambda r: r["analysis/speed"][()].ravel(),
                       lambda: np.array([[sheet_speed(n, v) for v in (100, 200, 400)] for n in (1, 2)]).ravel(), "1/s", within=2),
                 Value("", lambda r: r["analysis/directionality"][()].ravel(), lambda: np.ones(6), within=2e-3)],
         misses="the reference is the dispersion of a plane wave; steps of 1 ms leave 1e-3 of it", group=PHASE),
    Item("chimera_breathing", "chimeras of two populations of 128", "chimera_breathing",
         values=[Value("order of the drifting population, at rest (A = 0.2)", analysis("largest", 0), lambda: 0.72915, within=5e-4),
                 Value("period of its breathing (A = 0.28)", lambda r: 1 / r["analysis/rate"][1], lambda: 33.9, "s", within=0.2),
                 Value("its range", lambda r: [r["analysis/smallest"][1], r["analysis/largest"][1]],
                       lambda: np.array([0.508, 0.666]), within=1.2e-2),
                 Value("beyond the homoclinic (A = 0.36)", analysis("smallest", 2), lambda: 1.0, within=1e-6)],
         misses="", group=PHASE),
    Item("chimera_branches", "birth, breathing and loss of that chimera, infinitely many units", "chimera_branches", command="continue",
         values=[Value("fold", special("fold"), branch_reference("chimera_fold"), within=1e-6),
                 Value("Hopf", special("Hopf"), branch_reference("chimera_hopf"), within=1e-6),
                 Value("homoclinic", special("homoclinic"), lambda: np.array([0.3535]), within=5e-4)],
         misses="", group=PHASE),
    Item("chimera_branches_wide", "the same at beta = 0.2", "chimera_branches", ["parameters.beta=0.2", "parameters.A=0.315", "parameters.r_start=0.69", "parameters.psi_start=-0.42"],
         command="continue",
         values=[Value("fold", special("fold"), branch_reference("chimera_fold_wide"), within=1e-6),
                 Value("Hopf", special("Hopf"), branch_reference("chimera_hopf_wide"), within=1e-6)],
         misses="", group=PHASE),
    Item("chimera_ring", "chimera of a ring of 256", "chimera_ring",
         values=[Value("locked part turns at", lambda r: 2 * np.pi * np.median(np.sort(r["analysis/frequency"][()])[:60]),
                       lambda: -0.7320, "rad/s", within=2e-3),
                 Value("locked share", locked_share, lambda: 0.299, within=0.025)],
         misses="the reference is the self-consistent field of infinitely many units", group=PHASE),
    Item("couplings", "couplings of 160 oscillators in five forms, beside the double sum", "couplings",
         values=[Value("", rate_of(form), double_sum(form), "1/s", within=1e-12) for form in COUPLINGS],
         misses="", group=PHASE),
    Item("complex_kuramoto", "the solvable complex form, moduli reset every 10, 5, 2.5, 1.25 ms", "complex_kuramoto",
         values=[Value("error of a phase", analysis("error"), None, "rad"),
                 Value("its ratio from one to the next", lambda r: r["analysis/error"][:-1] / r["analysis/error"][1:],
                       lambda: np.full(3, 2.0), within=0.25)],
         misses="", group=PHASE),
    Item("stuart_landau_phase", "phase response of a sheared Stuart-Landau oscillator", "stuart_landau_phase", command="prc",
         values=[Value("period", lambda r: r.attrs["period"], lambda: 2 * np.pi / 1.5, "ms", within=1e-8),
                 Value("", lambda r: r["response/z_re"][()].ravel(), lambda: stuart_landau(lambda a: -np.sin(a) - 0.5 * np.cos(a)), "ms", within=1e-6),
                 Value("", lambda r: r["response/z_im"][()].ravel(), lambda: stuart_landau(lambda a: np.cos(a) - 0.5 * np.sin(a)), "ms", within=1e-6)],
         misses="", group=PHASE),
    Item("wilson_cowan_presets", "rhythms of published Wilson-Cowan sets: G2, and twice as fast", "wilson_cowan_presets",
         values=[Value("frequency", analysis("frequency"), lambda: np.array([21.18, 42.36]), "Hz", within=0.05),
                 Value("peak to peak", analysis("swing", 0), lambda: 0.481, within=1e-3)],
         misses="", group=PHASE),
    Item("wilson_cowan_1972", "the limit cycle of 1972 with time constants of 8 and 4 ms", "wilson_cowan_presets",
         ['regime="G3"', 'parameters.tau_E="8 ms*scale"', 'parameters.tau_I="8 ms*scale"'],
         values=[Value("frequency", analysis("frequency"), lambda: np.array([25.0, 50.0]), "Hz", within=0.06)],
         misses="", group=PHASE),
    Item("wilson_cowan_branches", "rest and gamma of a Wilson-Cowan pair along its drive", "wilson_cowan_branches", command="continue",
         values=[Value("Hopf", special("Hopf"), branch_reference("wilson_cowan_hopf"), within=1e-6),
                 Value("folds", lambda r: np.sort(special("fold")(r)), branch_reference("wilson_cowan_folds"), within=1e-6),
                 Value("the cycle ends on a saddle-node (SNIC)", special("SNIC"),
                       lambda: branch_reference("wilson_cowan_folds")()[:1], within=1e-3)],
         misses="", group=PHASE),
    Item("wilson_cowan_phase", "phase response of its gamma", "wilson_cowan_phase", command="prc",
         values=[Value("period", lambda r: r.attrs["period"], lambda: 15.85925, "ms", within=1e-5),
                 Value("Z_E at eighths of it", at_eighths("E"), lambda: np.array(
                     [-26.8437, -6.8784, 7.5953, 24.0001, 44.2675, 52.9402, 24.9998, -20.7796]), "ms", within=5e-2),
                 Value("", at_eighths("I"), lambda: np.array(
                     [15.7119, -8.9015, -21.0041, -34.7527, -47.1772, -42.1192, -2.5298, 26.3140]), "ms", within=5e-2)],
         misses="", group=PHASE),
    Item("known_waves", "waves made to be known: plane, target, rotating, and a chirp in noise", "known_waves",
         values=[Value("plane: speed", analysis("speed"), lambda: 62.5, "1/s", within=0.1),
                 Value("its direction", analysis("direction"), lambda: 30.0, "deg", within=0.2),
                 Value("its wavelength", analysis("wavelength"), lambda: 12.5, within=0.05),
                 Value("target: source x, y", lambda r: [r["analysis/source_x"][()], r["analysis/source_y"][()]],
                       lambda: np.array([2.0, -3.0]), within=0.51),
                 Value("rotating: centre x, y", lambda r: [r["analysis/centre_x"][()], r["analysis/centre_y"][()]],
                       lambda: np.array([0.5, 0.5]), within=0.51),
                 Value("share of shuffles that are as much of a target; of a rotation",
                       lambda r: [r["analysis/target_p"][()], r["analysis/rotation_p"][()]], lambda: np.zeros(2), within=0.01),
                 Value("chirp: smallest advance of the generalised phase a sample", chirp_advance, None, "rad")],
         misses="", group=PHASE),
]
