"""Patterns of spikes for four classes, and where the training starts. Of a seed alone."""

import numpy as np

STEPS, CHANNELS, NEURONS, CLASSES, TRAINED, HELD_OUT = 40, 20, 24, 4, 80, 80


def patterns():
    """x [sample, step, channel] of zeros and ones, and the class of each: its prototype with every spike moved by up to
    two steps, and one in five lost. The first TRAINED are to learn from."""
    rng = np.random.default_rng(3)
    prototypes = [np.argwhere(rng.random((STEPS, CHANNELS)) < 0.06) for _ in range(CLASSES)]
    labels = np.arange(TRAINED + HELD_OUT) % CLASSES
    x = np.zeros((len(labels), STEPS, CHANNELS))
    for sample, label in zip(x, labels):
        kept = prototypes[label][rng.random(len(prototypes[label])) < 0.8]
        steps = np.clip(kept[:, 0] + rng.integers(-2, 3, len(kept)), 0, STEPS - 1)
        sample[steps, kept[:, 1]] = 1
    return x, labels


def initial():
    rng = np.random.default_rng(4)
    return {"W_in": 0.6 * rng.standard_normal((NEURONS, CHANNELS)), "W": 0.1 * rng.standard_normal((NEURONS, NEURONS)),
            "W_out": 0.3 * rng.standard_normal((CLASSES, NEURONS))}
