"""Distances of random spike trains by PySpike and Elephant beside those of `striate distances`; writes
spike_distances.json, and fails where they differ.

usage: STRIATE=build/release/cli/striate python spike_distances.py    (needs pyspike, elephant, h5py)"""

import json
import os
import sys
from pathlib import Path

import elephant
import elephant.spike_train_dissimilarity as dissimilarity
import neo
import numpy as np
import pyspike
import quantities as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
import striate  # noqa: E402

END, TAU, COST = 1000.0, 12.0, 0.05
rng = np.random.default_rng(7)
trains = [np.sort(rng.uniform(0, END, n)) for n in (40, 55, 1, 2, 90, 0)]
trains.append(np.sort(np.clip(trains[0] + rng.normal(0, 1, 40), 0, END)))  # jittered
trains.append(np.concatenate([[0.0], trains[1], [END]]))  # spikes on the edges

theirs = {}
neo_trains = [neo.SpikeTrain(t, units="ms", t_stop=END) for t in trains]
theirs["van_rossum"] = dissimilarity.van_rossum_distance(neo_trains, TAU * pq.ms) / np.sqrt(2)
theirs["victor_purpura"] = dissimilarity.victor_purpura_distance(neo_trains, COST / pq.ms)
spike_trains = [pyspike.SpikeTrain(t, (0, END)) for t in trains]
pairs = lambda f: np.array([[f(a, b) for b in spike_trains] for a in spike_trains])
theirs["isi_distance"] = pairs(pyspike.isi_distance)
theirs["spike_distance"] = pairs(pyspike.spike_distance)
theirs["spike_synchronisation"] = pairs(pyspike.spike_sync)
settings = {"van_rossum": {"decay": TAU}, "victor_purpura": {"cost": COST}}
result = {"pyspike": pyspike.__version__ if hasattr(pyspike, "__version__") else "", "elephant": elephant.__version__}
worst = 0.0
for name, expected in theirs.items():
    ours = striate.spike_distances(trains, name, from_=0, to=END, **settings.get(name, {}))
    apart = np.abs(ours - expected)
    result[name] = float(apart.max())
    worst = max(worst, result[name])
    print(f"{name}: at most {apart.max():.2e} apart", "" if apart.max() < 1e-6 else f"at {np.unravel_index(apart.argmax(), apart.shape)}")
if "--write" in sys.argv:
    Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")
sys.exit(worst > 1e-6)
