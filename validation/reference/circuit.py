"""The CRF/eCRF cortical circuit of Mely, Linsley & Serre (2018), written directly from its equations.

Independent of the C++ code on purpose: dense NumPy, no shared kernels, its own fixed-point iteration.

    eta dI/dt = -eps^2 I + [xi X - (alpha I + mu) U - (beta I + nu) T]_+
    tau dO/dt = -sigma^2 O + [zeta I + gamma P + delta Q]_+

Arrays are (condition, y, x, feature).
"""
from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp


@dataclass(frozen=True)
class Parameters:
    eta: float = 6.0
    tau: float = 6.0
    eps: float = 0.5
    sigma: float = 0.5
    xi: float = 4.5
    alpha: float = 1.0
    mu: float = 1.0
    beta: float = 3.0
    nu: float = 0.3
    gamma: float = 1.0
    delta: float = 1.0
    zeta: float = 0.0
    omega: float = 0.15
    crf: int = 1  # width left out by P; U and Q always read the unit's own pixel
    near: int = 9
    far: int = 29
    p_support: str = "ring"  # "ring": near minus CRF; "far": far minus CRF (near and far identical)
    t_support: str = "ring"  # "ring": far minus near; "far": far without the unit itself
    q_rule: str = "ordered"  # "ordered": circular Gaussian; "unordered": own channel against all others


PAPER = Parameters()
REFITTED = replace(PAPER, alpha=0.731540646, beta=2.082776929, mu=0.425687757, nu=0.502167216, gamma=1.009584401,
                   delta=0.597332753)
MELY = replace(PAPER, beta=4.5, nu=0.45)


def q_matrix(k, omega, rule="ordered"):
    """Row i holds the weights with which channel i reads the channels of I; every row sums to 1."""
    z = np.arange(k) / (k - 1)
    centre = k // 2
    raw = np.exp(-((z - z[centre]) ** 2) / (2 * omega**2))
    raw /= raw.sum()
    if rule == "ordered":
        return np.array([np.roll(raw, i - centre) for i in range(k)])
    own = raw.max()
    w = np.full((k, k), (1 - own) / (k - 1))
    np.fill_diagonal(w, own)
    return w


def band(size, width):
    """Matrix of a one-dimensional box of odd width with zeros beyond the border."""
    d = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    return (d <= width // 2).astype(float)


class Circuit:
    def __init__(self, parameters, shape, k):
        self.p, self.k = parameters, k
        height, width = shape
        self.boxes = {w: (band(height, w), band(width, w)) for w in {1, parameters.crf, parameters.near, parameters.far}}
        self.w = q_matrix(k, parameters.omega, parameters.q_rule)

    def box(self, a, width):
        if width == 1:
            return a
        by, bx = self.boxes[width]
        n, h, w, k = a.shape
        along_y = np.matmul(by, a.reshape(n, h, w * k)).reshape(n, h, w, k)
        return np.matmul(bx, along_y)

    def ring(self, a, outer, inner):
        return (self.box(a, outer) - self.box(a, inner)) / (outer**2 - inner**2)

    def pools(self, i, o):
        p = self.p
        u = o.mean(axis=-1, keepdims=True)
        q = i @ self.w.T
        t = self.ring(o, p.far, p.near if p.t_support == "ring" else 1)
        s = self.ring(i, p.near if p.p_support == "ring" else p.far, p.crf)
        return u, t, s, q

    def targets(self, x, i, o):
        """Where I and O would settle with all pools held."""
        p = self.p
        u, t, s, q = self.pools(i, o)
        drive = np.maximum(p.xi * x - p.mu * u - p.nu * t, 0)
        return (drive / (p.eps**2 + p.alpha * u + p.beta * t),
                (p.zeta * i + p.gamma * s + p.delta * q) / p.sigma**2)

    def rhs(self, x, i, o):
        p = self.p
        u, t, s, q = self.pools(i, o)
        di = -p.eps**2 * i + np.maximum(p.xi * x - (p.alpha * i + p.mu) * u - (p.beta * i + p.nu) * t, 0)
        do = -p.sigma**2 * o + np.maximum(p.zeta * i + p.gamma * s + p.delta * q, 0)
        return di / p.eta, do / p.tau

    def fixed_point(self, x, tolerance=1e-13, memory=6, mixing=0.3, limit=3000):
        """Anderson-mixed iteration towards the targets, each condition alone, judged by the differential equation."""
        i, o = np.zeros_like(x), np.zeros_like(x)
        reach = (self.p.near if self.p.p_support == "ring" else self.p.far) // 2
        for c in range(len(x)):
            rows, columns = np.nonzero(x[c].max(axis=-1) > 0)
            if len(rows) == 0:
                continue
            # Beyond the reach of P from the stimulus both layers are exactly 0.
            y0, y1 = max(rows.min() - reach, 0), min(rows.max() + reach + 1, x.shape[1])
            x0, x1 = max(columns.min() - reach, 0), min(columns.max() + reach + 1, x.shape[2])
            part = Circuit(self.p, (y1 - y0, x1 - x0), self.k)
            here = np.s_[c : c + 1, y0:y1, x0:x1]
            i[here], o[here] = part._settle(x[here], tolerance, memory, mixing, limit)
        return i, o

    def _settle(self, x, tolerance, memory, mixing, limit):
        n = x.size
        y = np.concatenate([x.ravel(), x.ravel()])
        dy, df, last, used = np.empty((memory, y.size)), np.empty((memory, y.size)), None, 0
        for step in range(limit):
            ti, to = self.targets(x, y[:n].reshape(x.shape), y[n:].reshape(x.shape))
            f = np.concatenate([ti.ravel(), to.ravel()]) - y
            if np.abs(f).max() < tolerance * max(1, np.abs(y).max()):
                break
            if step < 20:  # plain damped steps bring the iteration near the fixed point first
                y = y + 0.15 * f
                continue
            if last is not None:
                dy[used % memory], df[used % memory] = y - last[0], f - last[1]
                used += 1
            last = (y, f)
            m = min(used, memory)
            if m > 0 and step % 97 != 0:
                gram = df[:m] @ df[:m].T
                gram += 1e-14 * np.trace(gram) * np.eye(m)
                c = np.linalg.solve(gram, df[:m] @ f)
                y = np.maximum(y + mixing * f - c @ dy[:m] - mixing * (c @ df[:m]), 0)
            else:
                y = y + 0.15 * f
                if m > 0:
                    last, used = None, 0
        i, o = y[:n].reshape(x.shape), y[n:].reshape(x.shape)
        residual = max(np.abs(r).max() for r in self.rhs(x, i, o))
        if residual > max(1e-11, 10 * tolerance):
            raise RuntimeError(f"no fixed point: residual {residual:.2e} after {step} iterations")
        self.iterations = step
        return i, o

    def euler(self, x, h, steps):
        i, o = x.copy(), x.copy()
        for _ in range(steps):
            di, do = self.rhs(x, i, o)
            i, o = i + h * di, o + h * do
        return i, o

    def trajectory(self, x, times, rtol=1e-10, atol=1e-12):
        shape, n = x.shape, x.size

        def f(_, y):
            di, do = self.rhs(x, y[:n].reshape(shape), y[n:].reshape(shape))
            return np.concatenate([di.ravel(), do.ravel()])

        y0 = np.concatenate([x.ravel(), x.ravel()])
        states = [y0]
        for start, end in zip(times[:-1], times[1:]):  # ends on every time asked for: no interpolation
            s = solve_ivp(f, (start, end), states[-1], method="DOP853", t_eval=[end], rtol=rtol, atol=atol)
            states.append(s.y[:, -1])
        return [(y[:n].reshape(shape), y[n:].reshape(shape)) for y in states]


def block(grid, side):
    """Indices [first, last) of a centred block."""
    return grid // 2 - side // 2, grid // 2 + (side + 1) // 2


def paint(image, side, value):
    first, last = block(image.shape[0], side)
    image[first:last, first:last] = value
    return image


def preferred(k, ends=True):
    """Preferred values: k values on [0, 1] with both ends (the published sampling), or on [0, 1) without a duplicate."""
    return np.arange(k) / (k - 1 if ends else k)


def encode(u, k, s, kind="circular", ends=True):
    """Population code of an image of feature values (NaN: no stimulus); the peak over the image is 1."""
    p = preferred(k, ends)
    d = np.asarray(u, float)[..., None] - p
    x = np.exp((np.cos(2 * np.pi * d) - 1) / s**2) if kind == "circular" else np.exp(-(d**2) / (2 * s**2))
    x = np.nan_to_num(x, nan=0.0)
    return x / x.max()


def vote(o, ends=True):
    """Population vector over all channels (with `ends` the end value counts twice); returns u in [0, 1)."""
    phase = 2 * np.pi * preferred(o.shape[-1], ends) - np.pi
    return (np.arctan2((o * np.sin(phase)).sum(-1), (o * np.cos(phase)).sum(-1)) + np.pi) / (2 * np.pi)


def pearson(a, b):
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])
