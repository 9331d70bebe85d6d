"""The training of validation/surrogate in PyTorch, with the same surrogate as an autograd function; writes surrogate.json.

usage: python surrogate.py    (needs torch)"""

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "surrogate"))
from patterns import CLASSES, NEURONS, STEPS, TRAINED, initial, patterns  # noqa: E402

torch.set_default_dtype(torch.float64)
LEAK, BETA, UPDATES = 0.9, 10.0, 100


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u):
        ctx.save_for_backward(u)
        return (u > 0).to(u)

    @staticmethod
    def backward(ctx, g):
        (u,) = ctx.saved_tensors
        return g / (1 + BETA * u.abs()) ** 2


def logits(x, p):
    V, U, S = torch.zeros(len(x), NEURONS), torch.zeros(len(x), CLASSES), torch.zeros(len(x), CLASSES)
    for n in range(STEPS):
        spike = Spike.apply(V - 1)
        S, U = S + U / 10, LEAK * U + spike @ p["W_out"].T
        V = LEAK * V * (1 - spike) + x[:, n] @ p["W_in"].T + spike @ p["W"].T
    return S


x, labels = patterns()
x, labels = torch.tensor(x), torch.tensor(labels)
p = {name: torch.nn.Parameter(torch.tensor(values)) for name, values in initial().items()}
optimiser = torch.optim.Adam(p.values(), lr=0.005)
loss, norm = [], []
for _ in range(UPDATES):
    optimiser.zero_grad()
    value = torch.nn.functional.cross_entropy(logits(x[:TRAINED], p), labels[:TRAINED])
    value.backward()
    loss.append(value.item())
    norm.append(torch.sqrt(sum((v.grad**2).sum() for v in p.values())).item())
    optimiser.step()
with torch.no_grad():
    right = (logits(x[TRAINED:], p).argmax(1) == labels[TRAINED:]).double().mean().item()
result = {"torch": torch.__version__.split("+")[0], "loss": loss, "gradient_norm": norm, "held_out_accuracy": right}
Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")
print(loss[0], loss[-1], right)
