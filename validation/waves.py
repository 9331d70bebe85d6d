"""Waves in a recording of examples/horizontal_fibres.toml, by the analysis of Davis et al. (2021): what part of all places
and times belongs to one, and how fast they run.

    python3 validation/waves.py RECORDING [PICTURE]

The field potential of a pool is |its excitatory current 6 ms ago| + 1.65 |its inhibitory current| (Mazzoni et al. 2015), at 1 kHz.
Band-pass 5 to 100 Hz, generalised phase (Davis et al. 2020), and its gradient; a place is in a wave while the wavelength there
is longer than 99 % of those after the pools have changed places.
"""
import sys

import h5py
import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.signal import butter, hilbert, sosfiltfilt

DROPPED = 200  # ms at the beginning
LOWEST = 5.0  # Hz


def field_potential(I_E, I_I):
    """[time, y, x], over time of mean 0 and variance 1."""
    lfp = np.abs(I_E[:-6] - 1.65 * I_I[6:])
    lfp = lfp[DROPPED:]
    return (lfp - lfp.mean(0)) / lfp.std(0)


def generalised_phase(z, dt):
    """The phase of an analytic signal [time], made to advance: stretches slower than LOWEST and three times as long are filled."""
    frequency = np.angle(z[1:] * z[:-1].conj()) / (2 * np.pi * dt)
    if frequency.mean() < 0:
        z, frequency = z.conj(), -frequency
    slow = np.append(frequency < LOWEST, False)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], slow, [0]]).astype(int)))
    for begin, end in zip(edges[::2], edges[1::2]):
        slow[begin:end + 2 * (end - begin)] = True
    phase, known = np.unwrap(np.angle(z)), np.flatnonzero(~slow)
    if slow.any() and known.size > 1:
        wrapped = np.unwrap(np.angle(z)[known])
        inside = slow & (np.arange(len(z)) > known[0]) & (np.arange(len(z)) < known[-1])
        phase = phase.copy()
        phase[known] = wrapped
        phase[inside] = PchipInterpolator(known, wrapped)(np.flatnonzero(inside))
    return phase


def gradient(z, spacing):
    """Phase gradients along y and x [cycles per length] of unit vectors z [time, y, x]: centred, one-sided at the edges."""
    result = []
    for axis in (1, 2):
        z = np.moveaxis(z, axis, 0)
        g = np.empty(z.shape)
        g[1:-1] = np.angle(z[2:] * z[:-2].conj()) / 2
        g[0], g[-1] = np.angle(z[1] * z[0].conj()), np.angle(z[-1] * z[-2].conj())
        z = np.moveaxis(z, 0, axis)
        result.append(np.moveaxis(g, 0, axis) / (2 * np.pi * spacing))
    return np.hypot(*result)


def waves(I_E, I_I, dt, spacing, seed=0):
    """Which places [time, y, x] are in a wave, the speeds everywhere [length a second] and the phases.

    `dt` in seconds, `spacing` of the pools in any length."""
    lfp = field_potential(I_E, I_I)
    band = butter(4, [LOWEST, 100], "bandpass", fs=1 / dt, output="sos")
    analytic = hilbert(sosfiltfilt(band, lfp, axis=0), axis=0)
    flat = analytic.reshape(len(lfp), -1)
    phase = np.stack([generalised_phase(z, dt) for z in flat.T], axis=1).reshape(lfp.shape)
    z = np.exp(1j * phase)
    frequency = np.gradient(phase, dt, axis=0) / (2 * np.pi)
    length = 1 / np.maximum(gradient(z, spacing), 1e-12)
    shuffled = z.reshape(len(z), -1)[:, np.random.default_rng(seed).permutation(flat.shape[1])].reshape(z.shape)
    threshold = np.percentile(1 / np.maximum(gradient(shuffled, spacing), 1e-12), 99)
    return length > threshold, frequency * length, phase


def of_recording(recording):
    """The share of places in waves [%] and their median speed [m/s]; a pool of the sheet is 10 neurons wide."""
    I_E, I_I = recording["I_E"][()].squeeze(), recording["I_I"][()].squeeze()
    t = recording["t"][()]
    inside, speed, phase = waves(I_E, I_I, (t[1] - t[0]) / 1e3, 4e-3 / I_E.shape[-1])
    return 100 * inside.mean(), np.median(np.abs(speed[inside])), inside, phase


def draw(path, inside, phase, share, speed):
    from matplotlib.figure import Figure
    figure = Figure(figsize=(11, 3), layout="constrained")
    panels = figure.subplots(1, 4)
    start = len(phase) // 2
    for panel, t in zip(panels, range(start, start + 20, 5)):
        image = panel.imshow(np.angle(np.exp(1j * phase[t])), cmap="twilight", vmin=-np.pi, vmax=np.pi, extent=(0, 4, 4, 0))
        if inside[t].any() and not inside[t].all():
            panel.contour(np.linspace(0, 4, inside.shape[2]), np.linspace(0, 4, inside.shape[1]), inside[t], [0.5], colors="lime")
        panel.set(title=f"{DROPPED + 6 + t} ms", xlabel="x (mm)", ylabel="y (mm)" if t == start else "")
    figure.colorbar(image, ax=panels, label="generalised phase (rad)")
    figure.suptitle(f"phase of the field potential; in a wave (outlined): {share:.1f} %, median speed {speed:.3f} m/s")
    figure.savefig(path, dpi=150)


def main():
    with h5py.File(sys.argv[1]) as recording:
        share, speed, inside, phase = of_recording(recording)
    print(f"{share:.1f} % of places and times are in a wave, of median speed {speed:.3f} m/s")
    if len(sys.argv) > 2:
        draw(sys.argv[2], inside, phase, share, speed)


if __name__ == "__main__":
    main()
