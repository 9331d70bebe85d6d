"""Five updates by PyTorch's Adam, AdamW and clipping, for tests/sim/test_optimiser.cpp; writes optimisers.json.

usage: python optimisers.py    (needs torch)"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
START = [1.0, -0.5, 0.25, 3.0]


def gradient(p, k):
    """Some gradient that depends on the parameters and on the number of the update."""
    return torch.cos(p * (k + 1)) + 0.1 * p


def course(optimiser, **settings):
    p = torch.nn.Parameter(torch.tensor(START))
    o = optimiser([p], lr=0.05, **settings)
    places = []
    for k in range(5):
        p.grad = gradient(p.detach(), k)
        o.step()
        places.append(p.detach().tolist())
    return places


def clipped():
    p = torch.nn.Parameter(torch.zeros(4))
    p.grad = torch.tensor([3.0, -4.0, 12.0, 0.5])
    norm = torch.nn.utils.clip_grad_norm_([p], 2.0)
    return {"norm": norm.item(), "gradient": p.grad.tolist()}


result = {
    "torch": torch.__version__.split("+")[0],
    "adam": course(torch.optim.Adam, betas=(0.8, 0.95), eps=1e-6),
    "adam_decay": course(torch.optim.Adam, weight_decay=0.1),
    "adamw": course(torch.optim.AdamW, weight_decay=0.1),
    "clipped": clipped(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
