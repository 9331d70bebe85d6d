"""Folds and Hopf points as zeros of the rates together with the determinant or the trace of their Jacobian.

    validation/reference/branches.py          writes validation/reference/branches.json
"""
import json
from pathlib import Path

import numpy as np
from scipy.optimize import fsolve

OUT = Path(__file__).with_suffix(".json")


def chimera(y, A, beta=0.1):
    r, psi = y
    a, mu, nu = np.pi / 2 - beta, (1 + A) / 2, (1 - A) / 2
    return np.array([(1 - r * r) / 2 * (mu * r * np.cos(a) + nu * np.cos(psi - a)),
                     (1 + r * r) / (2 * r) * (mu * r * np.sin(a) - nu * np.sin(psi - a)) - mu * np.sin(a)
                     - nu * r * np.sin(psi + a)])


def wilson_cowan(y, P):
    E, I = y
    S = lambda x: 1 / (1 + np.exp(-1.5 * (x - 3)))
    return np.array([(-E + (1 - E) * S(16 * E - 12 * I + P)) / 2.5, (-I + (1 - I) * S(15 * E - 3 * I)) / 3.75])


def jacobian(f, y, p, h=1e-6):
    return np.column_stack([(f(y + h * e, p) - f(y - h * e, p)) / (2 * h) for e in np.eye(2)])


def point(f, of, guess):
    solution, _, found, message = fsolve(lambda v: [*f(v[:2], v[2]), of(jacobian(f, v[:2], v[2]))], guess, xtol=1e-10,
                                         full_output=True)
    assert found == 1, message
    # A trace of zero is a Hopf point only where the eigenvalues are not real.
    assert of is not np.trace or np.linalg.det(jacobian(f, solution[:2], solution[2])) > 0, "a neutral saddle"
    return solution[2]


if __name__ == "__main__":
    OUT.write_text(json.dumps({
        "chimera_fold": point(chimera, np.linalg.det, [0.82, -0.22, 0.178]),
        "chimera_hopf": point(chimera, np.trace, [0.59, -0.20, 0.278]),
        "chimera_fold_wide": point(lambda y, A: chimera(y, A, 0.2), np.linalg.det, [0.72, -0.4, 0.312]),
        "chimera_hopf_wide": point(lambda y, A: chimera(y, A, 0.2), np.trace, [0.66, -0.4, 0.318]),
        "wilson_cowan_hopf": point(wilson_cowan, np.trace, [0.1, 0.1, 0.75]),
        "wilson_cowan_folds": [point(wilson_cowan, np.linalg.det, [0.445, 0.49, 2.7]),
                               point(wilson_cowan, np.linalg.det, [0.36, 0.455, 2.85])],
    }, indent=1) + "\n")
