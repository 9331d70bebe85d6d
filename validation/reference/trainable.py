"""Writes trainable.csv beside this file: the trainable circuits hgru, fgru and feedforward, written here from the papers'
equations with NumPy and no shared code, on small grids. Run it again after changing a model: python3 trainable.py

Each line is case,quantity,index,value. State, image and parameters are the numbers below, counted over all elements in the
order of the circuit's declarations (row-major). The gradient of a step of the hgru is its analytic adjoint, by hand.
"""
import csv
import pathlib

import numpy as np

rows = []
K, NY, NX, N, STEPS = 5, 9, 8, 5, 4  # channels (2 orientations), plane, kernel, steps


def numbers(size, a, b, m, low, high):
    return low + (high - low) * ((a * np.arange(size) + b) % m) / m


def record(case, quantity, values):
    values = np.atleast_1d(values).ravel()
    picked = range(values.size) if values.size <= 40 else np.unique(np.linspace(0, values.size - 1, 40).astype(int))
    rows.extend((case, quantity, i, repr(float(values[i]))) for i in picked)
    if values.size > 40:
        rows.append((case, quantity, "sum", repr(float(values @ (1 + np.arange(values.size) % 7)))))


class Parameters:
    """Parts of one flat vector, in the order in which they are asked for."""

    def __init__(self, sizes):
        self.flat = numbers(sum(int(np.prod(s)) for s in sizes.values()), 29, 5, 83, -0.3, 0.5)
        self.names = list(sizes)
        at = 0
        for name, shape in sizes.items():
            size = int(np.prod(shape))
            setattr(self, name, self.flat[at : at + size].reshape(shape))
            at += size


def correlate(x, kernel):
    """y[o] = sum over i of the zero-padded cross-correlation of x[i] with kernel[o, i]."""
    n, m = kernel.shape[2:]
    padded = np.pad(x, ((0, 0), (n // 2, n // 2), (m // 2, m // 2)))
    y = np.zeros((len(kernel),) + x.shape[1:])
    for dy in range(n):
        for dx in range(m):
            y += np.tensordot(kernel[:, :, dy, dx], padded[:, dy : dy + x.shape[1], dx : dx + x.shape[2]], 1)
    return y


def transposed(g, kernel):
    return correlate(g, np.flip(kernel, (2, 3)).transpose(1, 0, 2, 3))


def kernel_gradient(x, g, shape):
    n, m = shape[2:]
    padded = np.pad(x, ((0, 0), (n // 2, n // 2), (m // 2, m // 2)))
    out = np.zeros(shape)
    for dy in range(n):
        for dx in range(m):
            window = padded[:, dy : dy + x.shape[1], dx : dx + x.shape[2]]
            out[:, :, dy, dx] = np.tensordot(g, window, ([1, 2], [1, 2]))
    return out


sigmoid = lambda x: 1 / (1 + np.exp(-x))
softplus = lambda x: np.logaddexp(0, x)
column = lambda v: v[:, None, None]
mix = lambda U, x: np.tensordot(U, x, 1)


def filters(orientations):
    y, x = np.mgrid[-3:4, -3:4]
    disc = (x**2 + y**2 <= 9).astype(float)
    bank = []
    for phase in (0, 4.24778):
        for i in range(orientations):
            a = np.pi * i / orientations
            along, aside = x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a)
            g = disc * np.exp(-(along**2 + 0.3**2 * aside**2) / (2 * 2.8**2)) * np.cos(2 * np.pi * along / 3.5 + phase)
            g -= g.mean()
            bank.append(g / np.sqrt((g**2).sum()))
    bank.append(disc * 49 / 29)
    return np.array(bank)


record("front end", "F", filters(12))

# --- hgru, sections 1.1 and 1.7: one step from state h at step t ------------------------------------------------------
p = Parameters(dict(F=(K, 7, 7), f=(K,), W=(K, K, N, N), U1=(K, K), U2=(K, K), b1=(K,), b2=(K,), alpha=(K,), mu=(K,), gamma=(K,),
                    kappa=(K,), omega=(K,), eta=(STEPS,), scale=(K,), offset=(K,), R=(2, K), D=(2, 2), d=(2,)))
image = numbers(NY * NX, 53, 7, 97, 0, 1).reshape(NY, NX)
h = numbers(K * NY * NX, 37, 11, 101, -1, 1).reshape(K, NY, NX)
q = numbers(K * NY * NX, 41, 3, 103, -1, 1).reshape(K, NY, NX)  # cotangent of the next state
t = 2

seen = correlate(image[None], p.F[:, None]) + column(p.f)
X = seen**2
S = (p.W + p.W.transpose(1, 0, 2, 3)) / 2
G1 = sigmoid(mix(p.U1, h) + column(p.b1))
C1 = correlate(G1 * h, S)
s = column(p.alpha) * h + column(p.mu)
H1 = np.tanh(X - s * C1)
G2 = sigmoid(mix(p.U2, H1) + column(p.b2))
C2 = correlate(H1, S)
E = column(p.gamma) * C2
kappa, omega = column(p.kappa), column(p.omega)
candidate = np.tanh(kappa * (H1 + E) + omega * H1 * E)
m = G2 * h + (1 - G2) * candidate
record("hgru", "next", p.eta[t] * m)

spatial = lambda v: v.sum((1, 2))
bar = {}
bar["eta"] = np.zeros(STEPS)
bar["eta"][t] = (q * m).sum()
m_ = p.eta[t] * q
G2_ = m_ * (h - candidate)
h_ = m_ * G2
z2_ = m_ * (1 - G2) * (1 - candidate**2)
bar["kappa"], bar["omega"] = spatial(z2_ * (H1 + E)), spatial(z2_ * H1 * E)
E_ = z2_ * (kappa + omega * H1)
H1_ = z2_ * (kappa + omega * E)
bar["gamma"] = spatial(E_ * C2)
C2_ = column(p.gamma) * E_
S_ = kernel_gradient(H1, C2_, S.shape)
H1_ = H1_ + transposed(C2_, S)
a2_ = G2_ * G2 * (1 - G2)
bar["U2"], bar["b2"] = np.tensordot(a2_, H1, ([1, 2], [1, 2])), spatial(a2_)
H1_ = H1_ + mix(p.U2.T, a2_)
z1_ = H1_ * (1 - H1**2)
C1_, s_ = -z1_ * s, -z1_ * C1
bar["alpha"], bar["mu"] = spatial(s_ * h), spatial(s_)
h_ = h_ + column(p.alpha) * s_
S_ = S_ + kernel_gradient(G1 * h, C1_, S.shape)
back = transposed(C1_, S)
h_ = h_ + back * G1
a1_ = back * h * G1 * (1 - G1)
bar["U1"], bar["b1"] = np.tensordot(a1_, h, ([1, 2], [1, 2])), spatial(a1_)
h_ = h_ + mix(p.U1.T, a1_)
bar["W"] = (S_ + S_.transpose(1, 0, 2, 3)) / 2
seen_ = 2 * seen * z1_
bar["F"] = kernel_gradient(image[None], seen_, (K, 1, 7, 7))
bar["f"] = spatial(seen_)
for name in ("scale", "offset", "R", "D", "d"):
    bar[name] = np.zeros(getattr(p, name).size)
record("hgru", "state gradient", h_)
record("hgru", "parameter gradient", np.concatenate([bar[name].ravel() for name in p.names]))

# The readout of the state h.
centred = h - h.mean((1, 2), keepdims=True)
normal = column(p.scale) * centred / np.sqrt((centred**2).mean((1, 2), keepdims=True) + 1e-3) + column(p.offset)
record("hgru", "logits", p.D @ mix(p.R, normal).max((1, 2)) + p.d)

# --- fgru as trained by C-RBP, section 3.3: a batch of two ------------------------------------------------------------
B = 2
p = Parameters(dict(F=(K, 7, 7), f=(K,), W_I=(K, K, N, N), W_E=(K, K, N, N), U1=(K, K), U2=(K, K), b1=(K,), b2=(K,), alpha=(K,),
                    mu=(K,), gamma=(K,), kappa=(K,), omega=(K,), gain_I=(K,), offset_I=(K,), gain_E=(K,), offset_E=(K,),
                    gain_R=(K,), offset_R=(K,), R=(2, K), r=(2,)))
images = numbers(B * NY * NX, 53, 7, 97, 0, 1).reshape(B, NY, NX)
h = numbers(B * K * NY * NX, 37, 11, 101, -1, 1).reshape(B, K, NY, NX)
each = lambda f, x: np.array([f(one) for one in x])


def batch_norm(x, gain, offset):
    x = x - x.mean((0, 2, 3), keepdims=True)
    return column(gain) * x / np.sqrt((x**2).mean((0, 2, 3), keepdims=True) + 1e-3) + column(offset)


X = (each(lambda i: correlate(i[None], p.F[:, None]), images) + column(p.f)) ** 2
G1 = sigmoid(each(lambda x: mix(p.U1, x), h) + column(p.b1))
C1 = batch_norm(each(lambda x: correlate(x, p.W_I), G1 * h), p.gain_I, p.offset_I)
H1 = softplus(X - softplus(C1 * (column(p.alpha) * h + column(p.mu))))
G2 = sigmoid(each(lambda x: mix(p.U2, x), H1) + column(p.b2))
C2 = batch_norm(each(lambda x: correlate(x, p.W_E), H1), p.gain_E, p.offset_E)
candidate = softplus(column(p.kappa) * H1 + column(p.gamma) * C2 + column(p.omega) * H1 * C2)
record("fgru", "next", softplus((1 - G2) * h + G2 * candidate))
record("fgru", "logits", each(lambda x: mix(p.R, x), batch_norm(h, p.gain_R, p.offset_R)) + column(p.r))

# --- feedforward: all five layers, and the readout of what they give --------------------------------------------------
L = 3  # filters of a layer
sizes = dict(F=(K, 7, 7), f=(K,), W1=(L, K, N, N))
sizes.update({f"W{i}": (L, L, N, N) for i in range(2, 6)})
sizes.update({f"{kind}{i}": (L,) for kind in "go" for i in range(1, 6)}, R=(2, L), D=(2, 2), d=(2,))
p = Parameters(sizes)
x = (correlate(image[None], p.F[:, None]) + column(p.f)) ** 2
for i in range(1, 6):
    x = correlate(x, getattr(p, f"W{i}"))
    x = x - x.mean((1, 2), keepdims=True)
    x = x / np.sqrt((x**2).mean((1, 2), keepdims=True) + 1e-3)
    x = np.maximum(column(getattr(p, f"g{i}")) * x + column(getattr(p, f"o{i}")), 0)
record("feedforward", "next", x)

with open(pathlib.Path(__file__).with_name("trainable.csv"), "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["case", "quantity", "index", "value"])
    writer.writerows(rows)
