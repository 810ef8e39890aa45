"""Histograms of oriented gradients: directions, votes and cells by hand, shapes of any size, what must not matter."""

import numpy as np
import pytest
from sklearn.base import clone

from bakeoff.estimators import make
from bakeoff.estimators.preprocessing import hog
from bakeoff.estimators.preprocessing.hog import OrientedGradients


def ramp(degrees: float, size: int = 16) -> np.ndarray:
    """Make an image that grows lighter in one direction: 0 is to the right, 90 is down."""
    down, right = np.mgrid[:size, :size]
    angle = np.deg2rad(degrees)
    return (right * np.cos(angle) + down * np.sin(angle)).astype("float32").reshape(1, -1)


def by_block(X: np.ndarray, shape: tuple[int, int, int], orientations: int = 9) -> np.ndarray:
    """Return the features as (rows, blocks, orientations, cells of a block)."""
    features = OrientedGradients(shape, orientations=orientations).fit_transform(X)
    return features.reshape(len(X), -1, orientations, 4)


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("sign", [1, -1])
def test_a_direction_falls_into_its_bin(number: int, sign: int) -> None:
    """A ramp in the middle of a bin votes for that bin alone, whether it rises or falls."""
    inner = by_block(sign * ramp(20 * number + 10, 48), (1, 48, 48))[0, 12]  # a block without an edge of the image
    assert inner.argmax(axis=0).tolist() == [number] * 4
    assert np.delete(inner, number, axis=0).max() < 1e-3


def test_a_direction_between_bins_is_shared_out() -> None:
    """A ramp between two bins votes for both alike, also across 180 degrees."""
    for degrees, first, second in ((20, 0, 1), (0, 8, 0)):
        inner = by_block(ramp(degrees, 48), (1, 48, 48))[0, 12]
        np.testing.assert_allclose(inner[first], inner[second], rtol=1e-3)
        assert np.delete(inner, [first, second], axis=0).max() < 1e-3


def test_cells_by_hand() -> None:
    """Each pixel gives its votes to the two nearest centres of a side, all of them, in proportion."""
    np.testing.assert_allclose(hog._shares(4, 2), [[1, 0.75, 0.25, 0], [0, 0.25, 0.75, 1]])
    np.testing.assert_allclose(hog._shares(3, 1), [[1, 1, 1]])
    for pixels, cells in ((28, 6), (8, 4), (7, 3), (64, 6)):
        np.testing.assert_allclose(hog._shares(pixels, cells).sum(axis=0), 1, rtol=1e-6)


def test_votes_by_hand() -> None:
    """All votes of an image, pixel by pixel, cell by cell and bin by bin, are those of the plain loops."""
    X = np.random.default_rng(0).normal(size=(2, 64))
    found = by_block(X, (1, 8, 8))
    image = np.pad(X[1].reshape(8, 8), 1, mode="edge")
    cells = np.zeros((9, 4, 4))
    for i in range(8):
        for j in range(8):
            down, right = image[i + 2, j + 1] - image[i, j + 1], image[i + 1, j + 2] - image[i + 1, j]
            place = (np.arctan2(down, right) % np.pi) * 9 / np.pi - 0.5
            for bin_ in (np.floor(place), np.floor(place) + 1):
                for row in range(4):
                    for column in range(4):
                        near = [
                            max(0, 1 - abs(np.clip((at + 0.5) / 2 - 0.5, 0, 3) - to))
                            for at, to in ((i, row), (j, column))
                        ]
                        votes = np.hypot(down, right) * (1 - abs(place - bin_)) * near[0] * near[1]
                        cells[int(bin_) % 9, row, column] += votes
    block = cells[:, 1:3, 2:4].reshape(-1)
    block = np.minimum(block / np.linalg.norm(block), 0.2)
    np.testing.assert_allclose(found[1, 3 + 2].reshape(-1), block / np.linalg.norm(block), rtol=1e-4)


def test_light_does_not_matter() -> None:
    """More light or contrast change nothing where there is structure, and a flat image is all zeros."""
    X = np.random.default_rng(0).normal(size=(3, 256)) * 10
    features = OrientedGradients().fit_transform(X)
    np.testing.assert_allclose(OrientedGradients().fit_transform(3 * X + 7), features, atol=1e-4)
    np.testing.assert_array_equal(OrientedGradients().fit_transform(np.full((2, 256), 5.0)), 0)


def test_the_strongest_channel_counts() -> None:
    """Of three channels the one with the largest gradient votes, at each pixel."""
    images = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype("float32")
    each = [hog._gradients(images[:, [channel]]) for channel in range(3)]
    strongest = np.argmax([size for size, _ in each], axis=0)
    assert set(strongest.flat) == {0, 1, 2}
    for found, parts in zip(hog._gradients(images), zip(*each, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.choose(strongest, parts))
    X = images.reshape(2, -1)
    assert by_block(X, (3, 8, 8)).shape == by_block(X[:, :64], (1, 8, 8)).shape


@pytest.mark.parametrize(
    ("shape", "cells", "features"),
    [
        ((1, 8, 8), (4, 4), 324),
        ((1, 28, 28), (6, 6), 900),
        ((3, 32, 32), (6, 6), 900),
        ((1, 64, 64), (6, 6), 900),
        ((1, 12, 24), (6, 12), 5 * 11 * 36),
        ((1, 3, 3), (2, 2), 36),
        ((1, 1, 5), (1, 2), 18),
        ((1, 1, 1), (1, 1), 9),
    ],
)
def test_cells_follow_the_shape(shape: tuple[int, ...], cells: tuple[int, int], features: int) -> None:
    """The shorter side has up to six cells of two pixels or more, and the smallest images have features, too."""
    X = np.random.default_rng(0).normal(size=(5, int(np.prod(shape))))
    described = OrientedGradients(shape).fit(X)
    assert described.cells_ == cells
    found = described.transform(X)
    assert found.shape == (5, features)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_rows_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows at a time give what all at once give; bytes give what floats give."""
    X = np.random.default_rng(0).integers(0, 256, size=(7, 64)).astype("uint8")
    whole = OrientedGradients((1, 8, 8)).fit_transform(X)
    np.testing.assert_allclose(OrientedGradients((1, 8, 8)).fit_transform(X.astype(float)), whole, atol=1e-6)
    monkeypatch.setattr(hog, "CHUNK_VALUES", 1)
    np.testing.assert_allclose(clone(OrientedGradients((1, 8, 8))).fit_transform(X), whole, atol=1e-6)


def test_wrong_shape_is_told() -> None:
    """A shape that does not hold the columns is refused."""
    with pytest.raises(ValueError, match="holds 81, but X has 64 features"):
        OrientedGradients((1, 9, 9)).fit(np.zeros((2, 64)))


@pytest.mark.parametrize("name", ["hog_svm", "hog_boosting"])
def test_models_tell_directions_apart(name: str) -> None:
    """Stripes of two directions, at any place and of any contrast, are told apart from few images."""
    random = np.random.default_rng(0)
    steps = np.arange(12)
    y = np.arange(120) % 2
    waves = np.sin(steps + random.uniform(0, 6, size=(120, 1))) * random.uniform(0.5, 2, size=(120, 1))
    images = np.repeat(waves[:, None], 12, axis=1)
    images[y == 1] = images[y == 1].transpose(0, 2, 1)
    X = (images + random.normal(scale=0.2, size=images.shape)).reshape(120, -1)
    model = make(name, task="binary", kind="image", input_shape=(1, 12, 12)).fit(X[:60], y[:60])
    assert model.score(X[60:], y[60:]) > 0.95
