"""Networks of spiking neurons, beside independent simulators."""

import numpy as np

from items.item import Item, Value

NETWORKS = "Networks of spiking neurons"
MICROCIRCUIT = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]


def trains(recording, begin, end=None, first=0, event="spike"):
    """Times and elements [first, end) of spikes later than `begin` [ms]."""
    times, ids = (recording[f"spikes/{event}/{name}"][()] for name in ("times", "ids"))
    kept = (times > begin) & (ids >= first) & (ids < (end or np.inf))
    return times[kept], ids[kept]


def rate(first, end, begin=200, event="spike"):
    """Mean of elements [first, end), Hz."""
    return lambda recording: 1e3 * len(trains(recording, begin, end, first, event)[0]) / (
        (end - first) * (recording["t"][-1] - begin))


def irregularity(begin=200, event="spike"):
    """Mean coefficient of variation of the intervals of elements with five spikes or more."""
    def get(recording):
        times, ids = trains(recording, begin, event=event)
        order = np.lexsort((times, ids))
        intervals = (np.diff(t) for t in np.split(times[order], np.flatnonzero(np.diff(ids[order])) + 1) if len(t) >= 5)
        return np.mean([i.std() / i.mean() for i in intervals])
    return get


def rhythm(begin=200, lowest=10):
    """Where the spectrum of all spikes together is largest, Hz."""
    def get(recording):
        times, _ = trains(recording, begin)
        count = np.histogram(times, np.arange(begin, recording["t"][-1] + 0.5))[0] - len(times) / (recording["t"][-1] - begin)
        power, frequency = np.abs(np.fft.rfft(count))**2, np.fft.rfftfreq(len(count), 1e-3)
        smooth = np.convolve(power, np.ones(5), "same")
        return frequency[frequency > lowest][smooth[frequency > lowest].argmax()]
    return get


def network(name, phenomenon, experiment, settings=(), neurons=4000, rates=None, spread=1.0, cv=None, cv_spread=0.2, more=(), misses="",
            begin=200):
    """Rates of four fifths excitatory and one fifth inhibitory neurons beside those of an independent simulation."""
    values = [Value("rates of E and I", lambda r: [rate(0, 4 * neurons // 5, begin)(r), rate(4 * neurons // 5, neurons, begin)(r)],
                    (lambda: np.array(rates)) if rates else None, "Hz", within=spread),
              Value("CV of intervals", irregularity(), (lambda: cv) if cv else None, within=cv_spread)]
    return Item(name, phenomenon, experiment, list(settings), values=values + list(more), misses=misses, group=NETWORKS)


def brunel(state, phenomenon, rates, spread, cv=None, more=(), misses="", settings=()):
    return network(f"brunel_{state}", phenomenon, "brunel", [f'regime="{state}"', *settings], 12500, rates, spread, cv, 0.1, more, misses)


def microcircuit(scale):
    """The rates of its eight populations after 500 ms."""
    def get(recording):
        ends = np.cumsum([int(n * scale + 0.5) for n in MICROCIRCUIT])
        return [rate(first, end, 500)(recording) for first, end in zip([0, *ends[:-1]], ends)]
    return get


def wave_numbers(recording):
    import waves
    return waves.of_recording(recording)[:2]


def wave_picture(recording, picture):
    import h5py
    import waves
    with h5py.File(recording) as file:
        share, speed, inside, phase = waves.of_recording(file)
    waves.draw(picture, inside, phase, share, speed)


def fibres(name, phenomenon, settings, rates, share, speed, side=300, misses="", long=False):
    """Rates, the share of places in waves and their speed beside those of the authors' simulator, analysed in the same way."""
    pair = lambda r: [rate(0, side**2)(r), rate(0, side**2 // 4, event="spike_I")(r)]  # noqa: E731
    return Item(name, phenomenon, "horizontal_fibres", settings, values=[
        Value("rates of E and I", pair, lambda: np.array(rates), "Hz", within=0.4),
        Value("in a wave", lambda r: wave_numbers(r)[0], (lambda: share) if share else None, "%", within=2),
        Value("median speed", lambda r: wave_numbers(r)[1], (lambda: speed) if speed else None, "m/s", within=0.02)],
        misses=misses, group=NETWORKS, long=long, picture=wave_picture)


# In the authors' simulator spikes act in the step in which they arrive, here in the next: where all delays are three steps, this shows.
NO_DISTANCE = ['regime="no_distance_delay"', 'parameters.d="0.2 ms"']

ITEMS = [
    network("coba", "self-sustained firing of conductance neurons", "coba", ['regime="published"', 'run.duration="2.2 s"'],
            rates=[20.0, 19.6], spread=3, cv=1.72, cv_spread=0.3),
    network("cuba", "firing with synaptic currents, weights of the appendix", "cuba", ['run.duration="10.2 s"'], rates=[5.57, 5.53], spread=0.3,
            cv=0.73, cv_spread=0.1),
    network("cuba_nest", "the same, weights of NEST's code", "cuba", ['regime="nest"'], rates=[4.30, 4.35], spread=0.3, cv=0.70),
    network("cuba_neuron", "the same, weights of NEURON's code", "cuba", ['regime="neuron_code"'], rates=[4.0, 4.0], spread=0.3, cv=0.69),
    network("cobahh", "firing of Hodgkin-Huxley neurons", "cobahh", rates=[36.8, 36.6], spread=6, cv=2.2, cv_spread=0.4,
            misses="the rate grows with a smaller step: it is that of this step"),
    network("voltage_jump", "firing with jumps of the potential", "voltage_jump", ['run.duration="10.2 s"'], rates=[9.7, 9.7], spread=0.4,
            cv=0.52, cv_spread=0.1),
    brunel("synchronous_regular", "Brunel's network: g = 3, twice the threshold rate", [327, 327], 30,
           misses="the theory is of asynchronous firing"),
    brunel("synchronous_irregular_fast", "g = 6, four times", [59.3, 59.3], 3, 0.89,
           [Value("rhythm", rhythm(lowest=50), lambda: 175, "Hz", within=15)],
           "volleys leave a step's width: the CV is .65 at 0.1 ms, .82 at 0.05. Theory of asynchronous firing: 55.8 Hz", ['run.step="0.02 ms"']),
    brunel("asynchronous_irregular", "g = 5, twice", [37.95, 37.95], 2, 0.40, misses="the theory's CV, of white noise, is 0.68"),
    brunel("synchronous_irregular_slow", "g = 4.5, nine tenths", [5.5, 5.5], 1.5, None, [Value("rhythm", rhythm(), lambda: 22, "Hz", within=10)]),
    network("izhikevich_network", "a thousand neurons of random types", "izhikevich_network", neurons=1000,
            rates=[7.58, 7.33], spread=0.7, begin=0, misses="the reference is the mean of 20 seeds, which differ by 0.2 Hz"),
    Item("adex_patterns", "eight firing patterns of AdEx", "adex_patterns",
         values=[Value("spikes in 500 ms", lambda r: np.bincount(r["spikes/spike/ids"][()].astype(int), minlength=8), None),
                 Value("last interval over the first", lambda r: [
                     i[-1] / i[0] if len(i) > 1 else np.nan for i in (np.diff(r["spikes/spike/times"][()][r["spikes/spike/ids"][()] == k])
                                                                      for k in range(8))], None)],
         misses="no data beside it", group=NETWORKS),
    Item("microcircuit", "cortical microcircuit at a tenth of its size", "microcircuit",
         values=[Value("rates of 23E, 23I, 4E, 4I, 5E, 5I, 6E, 6I", microcircuit(0.1),
                       lambda: np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]), "Hz", within=1.5),
                 Value("CV of intervals", irregularity(500), None)],
         misses="at a tenth the inputs are more correlated", group=NETWORKS),
    Item("microcircuit_whole", "the same, whole", "microcircuit", ["settings.scale=1"],
         values=[Value("rates of 23E, 23I, 4E, 4I, 5E, 5I, 6E, 6I", microcircuit(1),
                       lambda: np.array([0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]), "Hz", within=0.6),
                 Value("CV of intervals", irregularity(500), None)],
         misses="a second, where the reference has longer", group=NETWORKS, long=True),
    fibres("horizontal_fibres", "waves along horizontal fibres, 112,500 neurons", [], [5.08, 5.08], 16.9, 0.156),
    fibres("horizontal_fibres_no_distance_delay", "the same without delay by distance", NO_DISTANCE, [4.31, 4.31],
           17.2, 0.145, misses="a control: at this size speed and share do not depend on conduction"),
    fibres("horizontal_fibres_random", "the same, targets of E cells anywhere", [*NO_DISTANCE, "settings.sigma_E=40"], [6.75, 6.75],
           1.5, None, misses="a control: no waves"),
    fibres("horizontal_fibres_sparse", "450,000 neurons with 3000 targets each", ["settings.side=600", "settings.K=3000",
           "settings.sigma=0.4", "settings.slowest=0.1", "settings.fastest=0.6"], [5.21, 5.22], None, None, 600, long=True),
]
