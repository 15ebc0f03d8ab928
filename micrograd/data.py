"""Toy datasets, and one of real digits: `X` and labels or targets `y` as arrays; a list of names.

Points are the same for a seed everywhere: the stream of NumPy's RandomState is frozen.
Arguments out of their LIMITS raise ValueError.
"""

from __future__ import annotations

from importlib import resources
from numbers import Integral, Real
from typing import Any

import numpy as np

Dataset = tuple[np.ndarray, np.ndarray]

FILES = resources.files(__package__) / "datasets"  # its README names sources and licences

LIMITS: dict[str, tuple] = {
    "n": (Integral, lambda n: n >= 1, "a whole number from 1"),
    "centers": (Integral, lambda n: n >= 1, "a whole number from 1"),
    "seed": (Integral, lambda n: 0 <= n < 2**32, "a whole number from 0 to 2**32 - 1"),
    "noise": (Real, lambda x: 0 <= x < np.inf, "a finite number from 0"),
    "factor": (Real, lambda x: 0 <= x < 1, "a number from 0 to below 1"),
    "turns": (Real, lambda x: -np.inf < x < np.inf, "a finite number"),
}


def line(n: int = 10, noise: float = 0.01, seed: int = 0) -> Dataset:
    """X (n,) uniform in [0, 1), y = 4x + 3 + noise."""
    check(n=n, noise=noise, seed=seed)
    rng = np.random.RandomState(seed)
    X = rng.rand(n)
    return X, 4 * X + 3 + rng.normal(0, noise, n)


def square(n: int = 100, seed: int = 0) -> Dataset:
    """X (n, 2) uniform in the unit square, y 1 where x₁ + x₂ ≥ 1, else 0."""
    check(n=n, seed=seed)
    X = np.random.RandomState(seed).rand(n, 2)
    return X, (X.sum(axis=1) >= 1).astype(int)


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """X (n, 2) on two half circles, y 0 or 1: the points of scikit-learn's make_moons."""
    check(n=n, noise=noise, seed=seed)
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    arcs = [(np.cos(upper), np.sin(upper)), (1 - np.cos(lower), 1 - np.sin(lower) - 0.5)]
    return shuffled(arcs, noise, seed)


def circles(n: int = 100, noise: float = 0.05, factor: float = 0.5, seed: int = 0) -> Dataset:
    """X (n, 2) on a circle and one of `factor` its size, y 0 or 1: scikit-learn's make_circles."""
    check(n=n, noise=noise, factor=factor, seed=seed)
    outer = np.linspace(0, 2 * np.pi, n // 2, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, n - n // 2, endpoint=False)
    rings = [(np.cos(outer), np.sin(outer)), (factor * np.cos(inner), factor * np.sin(inner))]
    return shuffled(rings, noise, seed)


def spirals(n: int = 100, noise: float = 0.02, turns: float = 1.0, seed: int = 0) -> Dataset:
    """X (n, 2) on two spiral arms around the origin, y 0 or 1."""
    check(n=n, noise=noise, turns=turns, seed=seed)
    arms = []
    for size, start in ((n // 2, 0.0), (n - n // 2, np.pi)):
        radius = np.linspace(0.1, 1, size)
        angle = start + 2 * np.pi * turns * radius
        arms.append((radius * np.cos(angle), radius * np.sin(angle)))
    return shuffled(arms, noise, seed)


def xor(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """X (n, 2) around the corners (±1, ±1), y 1 where the signs differ, else 0."""
    check(n=n, noise=noise, seed=seed)
    rng = np.random.RandomState(seed)
    corners = np.array([(1, 1), (-1, -1), (1, -1), (-1, 1)])
    index = rng.permutation(np.arange(n) % 4)
    return corners[index] + rng.normal(scale=noise, size=(n, 2)), (index >= 2).astype(int)


def blobs(n: int = 100, centers: int = 3, noise: float = 0.3, seed: int = 0) -> Dataset:
    """X (n, 2) in round clouds around points of a circle of radius 2, y the cloud, from 0."""
    check(n=n, centers=centers, noise=noise, seed=seed)
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(n) % centers)
    angle = 2 * np.pi * y / centers
    X = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + rng.normal(scale=noise, size=(n, 2)), y


def digits() -> Dataset:
    """X (1797, 64), 8 × 8 pixels from 0 (paper) to 1 (ink), row by row; y (1797,) from 0 to 9.

    Written by 13 people (Alpaydin and Kaynak, 1998): the data, and the order, of scikit-learn's
    load_digits, divided by 16.
    """
    with (FILES / "digits.npz").open("rb") as packed, np.load(packed) as file:
        return file["X"] / 16.0, file["y"].astype(int)


def first_names() -> list[str]:
    """5,163 first names in small letters a to z, the most frequent first.

    U.S. Census Bureau, 1990; in the public domain.
    """
    return (FILES / "first_names.txt").read_text(encoding="ascii").split()


def shuffled(curves, noise, seed):
    """The points of two curves, labelled by curve, shuffled, then with noise added."""
    rng = np.random.RandomState(seed)
    X = np.concatenate([np.column_stack(curve) for curve in curves])
    y = np.repeat([0, 1], [len(curve[0]) for curve in curves])
    order = np.arange(len(X))
    rng.shuffle(order)
    return X[order] + (rng.normal(scale=noise, size=X.shape) if noise else 0.0), y[order]


def check(**arguments: Any) -> None:
    for name, x in arguments.items():
        kind, fits, wanted = LIMITS[name]
        if isinstance(x, bool) or not isinstance(x, kind) or not fits(x):
            raise ValueError(f"{name} is {wanted}, got {x!r}")
