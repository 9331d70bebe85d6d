"""Small recordings laid out as Striate writes them, for the tests."""

import h5py
import numpy as np


class Maker:
    """Writes variables with named axes (dimension scales) in netCDF-4's way."""

    def __init__(self, path, title="", complete=1):
        self.file = h5py.File(path, "w")
        self.file.attrs["title"] = title
        self.file.attrs["circuit"] = "test"
        self.file.attrs["complete"] = complete

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def axis(self, name, values, units="", long_name=""):
        values = np.asarray(values)
        if values.dtype.kind == "U":
            d = self.file.create_dataset(name, data=values.tolist(), dtype=h5py.string_dtype())
        else:
            d = self.file.create_dataset(name, data=values)
        d.make_scale(name)
        d.attrs["units"], d.attrs["long_name"] = units, long_name

    def add(self, name, values, axes, **attributes):
        d = self.file.create_dataset(name, data=values)
        for i, axis in enumerate(axes):
            d.dims[i].attach_scale(self.file[axis])
        d.attrs.update(attributes)

    def data(self, name, x, y, source, analysis=None, **keys):
        group = f"data/{name}"
        self.axis(f"{group}/point", np.arange(len(x)))
        for column, values in {"x": x, "y": y, **keys}.items():
            self.add(f"{group}/{column}", np.asarray(values, float), [f"{group}/point"])
        self.file[group].attrs.update(source=source, compares=f"/analysis/{analysis or name}")


SHIFT = [0, 3.26, 2.30, 0.51, -0.26, -0.39, -0.47, -0.45, -0.27, 0]
MEASURED = [-0.18, 1.82, 2.68, 2.00, 0.49, -0.40, -0.32, -0.69, -0.58, -0.47]


def tilt(path):
    """One curve with data beside it and a recorded steady state."""
    with Maker(path, "Tilt illusion") as m:
        m.axis("difference", np.linspace(0, 90, 10), "deg", "orientation of surround relative to centre")
        m.axis("feature", np.linspace(-90, 90, 25), "deg", "preferred orientation")
        rng = np.random.default_rng(0)
        m.add("O", rng.random((10, 25)), ["difference", "feature"], units="1", long_name="output")
        m.add("analysis/shift", SHIFT, ["difference"], kind="curve", x="difference",
              x_label="orientation of surround relative to centre", x_unit="deg", units="deg",
              y_label="perceived shift, away from the surround", r=0.815, rms=0.63)
        m.data("shift", np.linspace(0, 90, 10), MEASURED, "O'Toole & Wenderoth (1977), Fig. 4")


def plaids(path):
    """Tuning curves over two condition axes, data in every panel but the first."""
    with Maker(path, "Plaids in a V1 population") as m:
        contrasts = np.array([0, 6, 12, 25, 50.0])
        theta = np.linspace(-45, 135, 37)
        m.axis("c0", contrasts, "%", "contrast at 0 deg")
        m.axis("c90", contrasts, "%", "contrast at 90 deg")
        m.axis("feature", np.linspace(0, 1, 37))
        f = np.exp(2.26 * (np.cos(2 * np.radians(theta)) - 1))
        g = np.exp(2.26 * (np.cos(2 * np.radians(theta - 90)) - 1))
        a, b = contrasts[:, None, None] ** 2.8, contrasts[None, :, None] ** 2.8
        rms = np.sqrt(contrasts[:, None, None] ** 2 + contrasts[None, :, None] ** 2) ** 2.8
        r = 0.9 * (a * f + b * g) / (6.89**2.8 + rms)
        m.add("analysis/population", r, ["c0", "c90", "feature"], kind="curve", x="feature", x_values=theta,
              x_label="preferred orientation", x_unit="deg", y_label="response", units="1", r=0.96, rms=0.08, panels=24)
        x, y, c0, c90 = [], [], [], []
        rng = np.random.default_rng(1)
        for i in range(5):
            for j in range(5):
                if i + j:
                    x += list(theta[::3])
                    y += list(r[i, j, ::3] + 0.04 * rng.standard_normal(13))
                    c0 += [contrasts[i]] * 13
                    c90 += [contrasts[j]] * 13
        m.data("population", x, y, "Busse, Wade & Carandini (2009) Neuron 64:931-942", c0=c0, c90=c90)


def surrounds(path):
    """Curves for each centre, without data, with a condition that has no value; a table; bars; a map."""
    with Maker(path, "Centre and surround", complete=0) as m:
        surround = np.append(np.arange(-90, 61, 30.0), np.nan)
        m.axis("surround", surround, "deg", "orientation of the surround")
        m.axis("centre", np.arange(-90, 61, 30.0), "deg", "orientation of the centre")
        d = np.radians(2 * (m.file["centre"][()][:, None] - surround))
        r = np.where(np.isnan(d), 1.5, 1.2 - 0.4 * np.cos(d)) * np.exp(-np.abs(np.arange(6) - 3) / 3)[:, None]
        m.add("analysis/response", r, ["centre", "surround"], kind="curve", x="surround", y_label="response", units="Hz")
        m.axis("lesion", ["none", "no far inhibition", "no near excitation", "no divisive part"])
        m.axis("experiment", ["tilt", "depth", "plaids"])
        scores = np.array([[0.82, 0.59, 0.94], [-0.07, 0.69, 0.7], [0.58, 0.13, 0.9], [0.56, 0.61, np.nan]])
        m.add("analysis/scores", scores, ["lesion", "experiment"], kind="table", y_label="Pearson r", units="1")
        m.add("analysis/tilt_score", scores[:, 0], ["lesion"], kind="bars", y_label="Pearson r", units="1")
        m.axis("gain", np.linspace(0.5, 2, 16), "1", "gain")
        m.axis("drive", np.linspace(0, 10, 21), "mV", "drive")
        m.add("analysis/rate", np.outer(np.linspace(0.5, 2, 16), np.linspace(0, 10, 21) ** 1.5), ["gain", "drive"],
              kind="map", y_label="rate", units="Hz")


def traces(path):
    """No analysis: traces, a raster-like array, a state on a sheet."""
    with Maker(path, "Traces") as m:
        t = np.linspace(0, 200, 401)
        m.axis("t", t, "ms", "time")
        m.axis("current", [0.0, 0.25, 0.5], "nA", "injected current")
        m.axis("neuron", np.arange(60))
        m.axis("y", np.linspace(-6, 6, 25), "deg", "height")
        m.axis("x", np.linspace(-6, 6, 31), "deg", "azimuth")
        m.axis("feature", np.linspace(0, 1, 4))
        v = np.array([np.sin(0.2 * (1 + i) * t) * np.exp(-t / 150) for i in range(3)])
        m.add("v", -65 + 20 * v, ["current", "t"], units="mV", long_name="membrane potential")
        m.add("rate", np.abs(np.sin(0.05 * t[:, None] + np.arange(60) / 10)), ["t", "neuron"], units="Hz", long_name="rate")
        yy, xx = np.meshgrid(np.linspace(-6, 6, 25), np.linspace(-6, 6, 31), indexing="ij")
        state = np.array([np.exp(-((xx - s) ** 2 + yy**2) / 4) for s in (-3, 0, 3)])[..., None] * np.array([1, 0.5, 0.2, 0.1])
        m.add("I", state, ["current", "y", "x", "feature"], units="1", long_name="input layer")


def codes(path):
    """Conditions that are codes with meanings, data in arbitrary units, a stimulus that comes and goes, states that share a unit."""
    with Maker(path, "Codes") as m:
        m.axis("test", [0.0, 1.0], "1", "strip that is judged")
        m.file["test"].attrs.update(flag_values=[0.0, 1.0], flag_meanings="orange light_turquoise")
        m.axis("angle", np.arange(-90, 91, 30.0), "deg", "orientation of the surround")
        m.add("analysis/shift", np.outer([1, 2], np.arange(1, 8.0)), ["test", "angle"], kind="curve", x="angle", units="1",
              y_label="shift", amplitude=0.5, r=1.0, rms=0.1, panels=2)
        m.data("shift", [*np.arange(-90, 91, 30)] * 2, [*np.arange(7) / 2, *np.arange(7) * 1.0], "Somebody (1999)",
               test=[0.0] * 7 + [1.0] * 7)
        m.axis("t", np.linspace(0, 100, 101), "ms", "time")
        m.file["t"].attrs["stimulus_changes"] = [20.0, 60.0]
        m.add("analysis/response", np.ones((2, 101)), ["test", "t"], kind="curve", x="t", x_label="time", x_unit="ms",
              y_label="rate", units="Hz")


def sweep(path):
    """A swept parameter, data beside its curves."""
    with Maker(path, "Sweep") as m:
        m.axis("parameters_beta", [0.0, 1.5, 3.0], "1", "parameters.beta")
        m.axis("difference", np.linspace(0, 90, 10), "deg", "difference of orientations")
        m.add("analysis/shift", np.outer([0, 0.5, 1], SHIFT), ["parameters_beta", "difference"], kind="curve", x="difference",
              units="deg", y_label="perceived shift")
        m.data("shift", np.linspace(0, 90, 10), MEASURED, "O'Toole & Wenderoth (1977), Fig. 4")


def pair(path):
    """Two rates and a potential, without conditions."""
    with Maker(path, "Pair") as m:
        m.axis("t", np.linspace(0, 100, 101), "ms", "time")
        m.add("r_E", np.linspace(0, 1, 101), ["t"], units="Hz", long_name="rate of excitation")
        m.add("r_I", np.linspace(0, 2, 101), ["t"], units="Hz", long_name="rate of inhibition")
        m.add("v", np.linspace(-70, -60, 101), ["t"], units="mV", long_name="membrane potential")


def training(path):
    """A training of a layer with a kernel, with two examples and their course over three steps."""
    with Maker(path, "Training") as m:
        m.file.attrs["kind"] = "training"
        rng = np.random.default_rng(0)
        m.axis("update", np.arange(1, 201.0))
        m.axis("validated", [0.0, 100.0, 200.0])
        for name in ("loss", "gradient_norm", "rate"):
            m.add(f"curves/{name}", np.exp(-np.arange(200) / 100), ["update"])
        m.add("curves/held_out_loss", [0.7, 0.5, 0.2], ["validated"])
        m.add("curves/held_out_accuracy", [0.5, 0.75, 0.9375], ["validated"])
        m.file.create_group("checkpoint").attrs["best_update"] = 100
        m.axis("to", np.arange(6.0))
        m.axis("feature", np.arange(6.0))
        m.axis("dy", np.arange(5.0))
        m.axis("dx", np.arange(5.0))
        m.add("parameters/W", rng.standard_normal((6, 6, 5, 5)), ["to", "feature", "dy", "dx"])
        m.add("parameters/b", rng.standard_normal(6), ["feature"])
        m.axis("example", [12.0, 7.0])
        m.axis("y", np.arange(8.0))
        m.axis("x", np.arange(8.0))
        m.axis("examples/n", np.arange(4.0))
        m.add("examples/data/image", rng.random((2, 8, 8)), ["example", "y", "x"])
        m.add("examples/data/label", [1.0, 0.0], ["example"])
        m.add("examples/courses/h", rng.random((2, 4, 6, 8, 8)), ["example", "examples/n", "feature", "y", "x"])


def waves(path):
    """Phases and wave vectors over a sheet, a spectrum, and power over frequency and wave number."""
    with Maker(path, "Waves") as m:
        m.axis("y", np.arange(5.0))
        m.axis("x", np.arange(7.0))
        m.axis("axes/vectors/component", [0.0, 1.0])
        m.axis("axes/power/frequency", np.linspace(0, 50, 11), "Hz", "frequency")
        m.axis("axes/ridge/frequency", np.linspace(-50, 50, 11), "Hz", "frequency")
        m.axis("axes/ridge/wave_number", np.linspace(-1, 1, 8), "1/mm", "wave number")
        m.add("analysis/phases", np.linspace(-3, 3, 35).reshape(5, 7), ["y", "x"], kind="map", units="rad",
              valid_range=[-np.pi, np.pi], y_label="phase")
        vectors = np.zeros((5, 7, 2))
        vectors[..., 0], vectors[..., 1] = 0.2, 0.1
        m.add("analysis/vectors", vectors, ["y", "x", "axes/vectors/component"], kind="arrows", units="1/mm", y_label="wave vector")
        m.add("analysis/power", 10.0 ** -np.arange(11.0), ["axes/power/frequency"], kind="spectrum", x="frequency", units="s",
              y_label="power")
        m.add("analysis/ridge", np.eye(11, 8) + 1e-9, ["axes/ridge/frequency", "axes/ridge/wave_number"], kind="power", units="1",
              y_label="power")


def phase_response(path):
    """A cycle of two states with its response and interaction."""
    with Maker(path, "Clock") as m:
        m.file.attrs.update(kind="phase_response", period=20.0, time_unit="ms")
        s = np.linspace(0, 1, 33)
        m.axis("axes/phase", s)
        for group, shift in (("cycle", 0), ("response", 0.25)):
            m.add(f"{group}/x", np.cos(2 * np.pi * (s + shift)), ["axes/phase"], units="1")
            m.add(f"{group}/y", np.sin(2 * np.pi * (s + shift)), ["axes/phase"], units="1")
        m.add("interaction/H", np.sin(2 * np.pi * s), ["axes/phase"])
        m.add("interaction/odd", np.sin(2 * np.pi * s), ["axes/phase"])
        m.file["interaction"].attrs.update(locked=[0.0, 0.5], locked_stable=[1.0, 0.0])


def branches(path):
    """A fixed point that loses its stability to a cycle."""
    with Maker(path, "Hopf") as m:
        m.file.attrs.update(kind="branches", parameter="a")
        a = np.linspace(-1, 1, 21)
        for n, (p, low, high, unstable) in enumerate([(a, 0 * a, 0 * a, np.where(a > 0, 2.0, 0)),
                                                      (a[11:], -np.sqrt(a[11:]), np.sqrt(a[11:]), 0 * a[11:])]):
            group = f"branches/{n}"
            m.axis(f"{group}/point", np.arange(len(p)))
            for name, values in {"parameter": p, "unstable": unstable, "low/x": low, "high/x": high}.items():
                m.add(f"{group}/{name}", values, [f"{group}/point"], units="1")
            if n == 1:
                m.add(f"{group}/period", 3 + p, [f"{group}/point"], units="ms")
            m.file[group].attrs["cycles"] = n
        m.axis("special/kind", ["Hopf"])
        for name, value in {"parameter": 0.0, "period": 0.0, "branch": 0.0, "state/x": 0.0}.items():
            m.add(f"special/{name}", [value], ["special/kind"])


def numbers(path):
    """Two single numbers, one beside data, and a kept condition that is a code."""
    with Maker(path, "Numbers") as m:
        m.axis("pattern", np.array([0.0, 1.0]), "1", "pattern")
        m.file["pattern"].attrs.update(flag_values=[0.0, 1.0], flag_meanings="grey purple_stripes")
        m.axis("size", np.arange(3.0), "deg", "size")
        m.add("analysis/speed", 62.5, [], kind="curve", x="", y_label="speed of the wave", units="mm/s", rms=0.5)
        m.add("analysis/rest", 0.25, [], kind="curve", x="", y_label="rest", units="1")
        m.add("analysis/shift", [1.0, 2.0, 3.0], ["size"], kind="curve", x="size", y_label="shift", only="pattern 1, size 2 deg",
              r=0.731, rms=0.242)


def distances(path):
    """The matrix of `striate distances`."""
    with Maker(path, "Distances") as m:
        m.file.attrs["kind"] = "distances"
        for name in ("element", "other"):
            m.axis(f"axes/isi_distance/{name}", np.arange(2.0))
        m.add("analysis/isi_distance", [[0, 0.5], [0.5, 0]], ["axes/isi_distance/element", "axes/isi_distance/other"], units="1")


def lyapunov(path):
    """Exponents of three conditions."""
    with Maker(path, "Chaos") as m:
        m.file.attrs.update(kind="lyapunov")
        m.axis("rho", np.array([1.0, 10.0, 28.0]), "1", "Rayleigh number")
        m.axis("followed", np.arange(1, 21) * 5.0, "ms", "time followed")
        m.add("exponent", [-1.0, -0.5, 0.9], ["rho"], units="1/ms", long_name="largest Lyapunov exponent")
        m.add("standard_error", [0.01, 0.02, 0.03], ["rho"], units="1/ms")
        m.add("course", np.outer([-1.0, -0.5, 0.9], np.ones(20)), ["rho", "followed"], units="1/ms")


def spikes(path):
    """Two elements that spike every 10 ms and one that is silent, in the first of two conditions; an event that never came."""
    with Maker(path, "Spikes") as m:
        m.axis("drive", [20.0, 10.0], "mV", "drive")
        m.add("run/steps", [5, 5], ["drive"])
        m.axis("t", np.linspace(0, 100, 11), "ms", "time")
        times = np.concatenate([np.arange(5, 100, 10.0), np.arange(7, 100, 10.0)])
        for condition, t, ids in ((0, times, [0] * 10 + [2] * 10), (1, np.array([50.0]), [1])):
            group = f"spikes/spike/{condition}"
            m.axis(f"{group}/times", t, "ms", "times of spike")
            m.add(f"{group}/ids", np.array(ids), [f"{group}/times"])
            m.axis(f"spikes/other/{condition}/times", np.array([]), "ms", "times of other")
            m.add(f"spikes/other/{condition}/ids", np.array([], int), [f"spikes/other/{condition}/times"], elements=4)


ALL = dict(spikes=spikes, numbers=numbers, distances=distances, waves=waves, phase_response=phase_response, branches=branches, lyapunov=lyapunov, tilt=tilt, plaids=plaids, surrounds=surrounds, traces=traces, codes=codes, pair=pair, sweep=sweep, training=training)
