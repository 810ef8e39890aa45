"""Synthetic data, whose truth is known: each has a size, a seed and a difficulty, and tells one thing about a model."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from bakeoff.datasets.dataset import Dataset
from bakeoff.tasks import Kind, Task

Difficulty = Literal["easy", "medium", "hard"]
DIFFICULTIES: tuple[Difficulty, ...] = ("easy", "medium", "hard")
Rng = np.random.Generator
SIDE = 16  # pixels of the images of shapes
SHAPES = ("circle", "cross", "square", "triangle")
SINE_TRAIN_FRACTION = 0.75  # share of the x axis that the training rows of the extrapolation cover


def make_table(
    name: str, task: Task, draw: Callable[[int, int, Rng], tuple[np.ndarray, np.ndarray]]
) -> Callable[[int, Difficulty, int], Dataset]:
    """Return what makes a table, from what draws its rows at a level from 0 (easy) to 2 (hard)."""

    def make(rows: int, difficulty: Difficulty, seed: int) -> Dataset:
        import pandas as pd

        X, y = draw(rows, DIFFICULTIES.index(difficulty), np.random.default_rng(seed))
        frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
        return Dataset(name=name, X=frame, y=y, task=task, **_origin())

    return make


def make_arrays(
    name: str, task: Task, kind: Kind, draw: Callable[[int, int, Rng], tuple[np.ndarray, np.ndarray]]
) -> Callable[[int, Difficulty, int], Dataset]:
    """Return what makes series (n, channels, length) or images (n, channels, height, width)."""

    def make(rows: int, difficulty: Difficulty, seed: int) -> Dataset:
        X, y = draw(rows, DIFFICULTIES.index(difficulty), np.random.default_rng(seed))
        flat = X.reshape(len(X), -1)
        return Dataset(name=name, X=flat, y=y, task=task, kind=kind, input_shape=X.shape[1:], **_origin())

    return make


def _origin() -> dict[str, Any]:
    return {"licence": "made here, free of rights", "source": "seeded, bakeoff.datasets.sources.synthetic"}


def moons(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw two half moons that interlock; the noise blurs their edges."""
    return _curves(rows, rng, (0.1, 0.2, 0.35)[level], _moon)


def circles(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw a circle inside another."""
    return _curves(rows, rng, (0.05, 0.15, 0.3)[level], _circle)


def _curves(
    rows: int, rng: Rng, noise: float, curve: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(rows) % 2
    X = curve(rng.uniform(0, 1, rows), y) + rng.normal(0, noise, (rows, 2))
    order = rng.permutation(rows)
    return X[order], y[order]


def _moon(place: np.ndarray, y: np.ndarray) -> np.ndarray:
    angle, side = np.pi * place, 1 - 2 * y
    return np.column_stack([np.cos(angle) * side + y, np.sin(angle) * side + y / 2])


def _circle(place: np.ndarray, y: np.ndarray) -> np.ndarray:
    radius = np.where(y == 1, 0.5, 1.0)
    points: np.ndarray = np.column_stack([np.cos(2 * np.pi * place), np.sin(2 * np.pi * place)])
    return points * radius[:, None]


def xor(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw the sign of the product of 2, 3 or 4 of 10 numbers: no single column tells anything."""
    X = rng.uniform(-1, 1, (rows, 10))
    return X, (X[:, : 2 + level] > 0).sum(1) % 2


def friedman1(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw Friedman's (1991) first function of 5 among 10 columns, with noise."""
    X = rng.uniform(0, 1, (rows, 10))
    signal = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    return X, signal + rng.normal(0, (0.5, 1.0, 3.0)[level], rows)


def friedman2(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw the impedance of a circuit, Friedman's second function, with noise."""
    X, resistance, reactance = _circuit(rows, rng)
    return X, np.hypot(resistance, reactance) + rng.normal(0, (40.0, 125.0, 375.0)[level], rows)


def friedman3(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw the phase of a circuit, Friedman's third function, with noise."""
    X, resistance, reactance = _circuit(rows, rng)
    return X, np.arctan(reactance / resistance) + rng.normal(0, (0.03, 0.1, 0.3)[level], rows)


def _circuit(rows: int, rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low, high = np.array([1, 40 * np.pi, 0, 1]), np.array([100, 560 * np.pi, 1, 11])
    X = rng.uniform(low, high, (rows, 4))
    return X, X[:, 0], X[:, 1] * X[:, 2] - 1 / (X[:, 1] * X[:, 3])


def sine(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw three waves of a sine over one column, with noise."""
    x = rng.uniform(0, 1, rows)
    return x[:, None], np.sin(6 * np.pi * x) + rng.normal(0, (0.05, 0.15, 0.4)[level], rows)


def make_sine_beyond(rows: int, difficulty: Difficulty, seed: int) -> Dataset:
    """Make the same waves with a split of their own: the test rows lie beyond the training rows."""
    from dataclasses import replace

    whole = make_table("sine_beyond", "regression", sine)(rows, difficulty, seed)
    return replace(whole, test_rows=(whole.X["x0"] > SINE_TRAIN_FRACTION).to_numpy())


def parity(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw series of -1 and 1, 8, 12 or 16 steps long; the label says whether the number of ones is odd."""
    bits = rng.integers(0, 2, (rows, 1, (8, 12, 16)[level]))
    return (2 * bits - 1).astype("float32"), bits.sum((1, 2)) % 2


def shapes(rows: int, level: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw grey images, 16 x 16, of a circle, cross, square or triangle, anywhere, of any size, in noise."""
    y = np.arange(rows) % len(SHAPES)
    noise = (10, 40, 80)[level]
    images = np.stack([_shape(SHAPES[label], rng) for label in y])
    images = np.clip(images + rng.normal(0, noise, images.shape), 0, 255).astype(np.uint8)
    order = rng.permutation(rows)
    return images[order][:, None], np.array(SHAPES, dtype=object)[y[order]]


def _shape(name: str, rng: Rng) -> np.ndarray:
    """Paint one shape, bright on dark, shape (16, 16)."""
    radius = rng.uniform(3, 5.5)
    across, down = rng.uniform(radius, SIDE - 1 - radius, 2)
    y, x = np.mgrid[:SIDE, :SIDE]
    x, y = x - across, y - down
    inside = {
        "circle": np.hypot(x, y) <= radius,
        "square": np.maximum(abs(x), abs(y)) <= 0.85 * radius,
        "cross": (np.minimum(abs(x), abs(y)) <= 0.3 * radius) & (np.maximum(abs(x), abs(y)) <= radius),
        "triangle": (y <= 0.8 * radius) & (y >= 2 * abs(x) - radius),
    }[name]
    return np.where(inside, rng.uniform(140, 220), rng.uniform(20, 60))
