"""Augmentation: known movements move pixels as they say, draws come from one generator and have their size."""

import math

import pytest
import torch

from bakeoff.estimators.layers.augmentation import Augmentation, sampling_grid

ALL = Augmentation(shift=2, rotation=15, elastic=1.4)


def pictures(
    n: int, height: int = 9, width: int = 7, channels: int = 2, dtype: torch.dtype = torch.float64
) -> torch.Tensor:
    """Build random images."""
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(3), dtype=dtype)


def seeded(seed: int = 0) -> torch.Generator:
    """Build a generator with a seed."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_moves_without_augmentation(dtype: torch.dtype) -> None:
    """Zero shift, rotation and elastic give the pixels back in their own dtype, whatever the sides."""
    for sides in ((9, 7), (28, 28), (1, 5)):
        images = pictures(4, *sides, dtype=dtype)
        found = Augmentation.apply(images, Augmentation(0, 0, 0).draw(4, sides, seeded(), dtype))
        assert found.dtype == dtype
        torch.testing.assert_close(found, images, atol=1e-5, rtol=0)


def test_whole_shift_moves_pixels_exactly() -> None:
    """Images move right and down by whole pixels, each by its own; what comes in repeats the rim."""
    images = pictures(2)
    grid = sampling_grid((9, 7), torch.zeros(2).double(), torch.tensor([[2.0, 0.0], [-1.0, 3.0]]).double())
    found = Augmentation.apply(images, grid)
    torch.testing.assert_close(found[0, :, :, 2:], images[0, :, :, :-2])
    torch.testing.assert_close(found[0, :, :, :2], images[0, :, :, :1].expand(-1, -1, 2))
    torch.testing.assert_close(found[1, :, 3:, :-1], images[1, :, :-3, 1:])
    torch.testing.assert_close(found[1, :, :3, -1], images[1, :, :1, -1].expand(-1, 3))


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("side", [6, 7])
def test_quarter_turns(turns: int, side: int) -> None:
    """Turning by 90 degrees is counter-clockwise about the centre, for even and odd sides."""
    images = pictures(1, side, side, dtype=torch.float32)
    found = Augmentation.apply(images, sampling_grid((side, side), torch.tensor([90.0 * turns]), torch.zeros(1, 2)))
    torch.testing.assert_close(found, torch.rot90(images, turns, dims=(2, 3)), atol=1e-4, rtol=0)


def test_turning_keeps_angles_of_oblong_images() -> None:
    """In an image that is not square a quarter turn takes a point 2 right of the centre to 2 above it."""
    images = torch.zeros(1, 1, 5, 9)
    images[0, 0, 2, 6] = 1
    found = Augmentation.apply(images, sampling_grid((5, 9), torch.tensor([90.0]), torch.zeros(1, 2)))
    assert found[0, 0, 0, 4].item() == pytest.approx(1, abs=1e-5)
    assert found.sum().item() == pytest.approx(1, abs=1e-4)


def test_an_image_is_shifted_and_then_turned() -> None:
    """A shift to the right followed by a quarter turn ends above the centre."""
    images = torch.zeros(1, 1, 5, 5)
    images[0, 0, 2, 2] = 1
    found = Augmentation.apply(images, sampling_grid((5, 5), torch.tensor([90.0]), torch.tensor([[2.0, 0.0]])))
    assert found[0, 0, 0, 2].item() == pytest.approx(1, abs=1e-5)


def test_half_of_the_images_are_mirrored() -> None:
    """With `flip` an image comes back as it is or with left and right exchanged; all else is drawn as without."""
    images = pictures(400)
    found = Augmentation.apply(images, Augmentation(0, 0, 0, flip=True).draw(400, (9, 7), seeded(), torch.float64))
    same, mirrored = ((found - other).abs().amax((1, 2, 3)) < 1e-9 for other in (images, images.flip(3)))
    assert (same ^ mirrored).all()
    assert mirrored.double().mean().item() == pytest.approx(0.5, abs=0.08)
    moved, turned = (Augmentation(2, 15, 1.4, flip=flip).draw(400, (9, 7), seeded()) for flip in (False, True))
    same, mirrored = (torch.isclose(turned, moved * sign).all((1, 2, 3)) for sign in (1, torch.tensor([-1, 1])))
    assert (same ^ mirrored).all()


def test_field_says_where_to_look() -> None:
    """A field of 1 to the right and 2 down at every pixel takes the value from there."""
    images = pictures(1)
    field = torch.tensor([1.0, 2.0]).double()[None, :, None, None].expand(1, 2, 9, 7)
    found = Augmentation.apply(
        images, sampling_grid((9, 7), torch.zeros(1).double(), torch.zeros(1, 2).double(), field)
    )
    torch.testing.assert_close(found[:, :, :-2, :-1], images[:, :, 2:, 1:])


def test_draws_come_from_the_generator_alone() -> None:
    """The same seed gives the same grids, whatever is drawn elsewhere; another seed gives others."""
    generator = seeded()
    first = [ALL.draw(3, (9, 7), generator) for _ in range(2)]
    generator, elsewhere = seeded(), torch.get_rng_state()
    again = []
    for _ in range(2):
        torch.rand(5)
        ALL.draw(4, (5, 5), seeded(9))
        again.append(ALL.draw(3, (9, 7), generator))
    torch.set_rng_state(elsewhere)
    assert torch.equal(torch.cat(first), torch.cat(again))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], ALL.draw(3, (9, 7), seeded(1)))
    ALL.draw(3, (9, 7), seeded())
    assert torch.equal(elsewhere, torch.get_rng_state())


def test_both_precisions_draw_the_same() -> None:
    """A grid of float64 is that of float32 but for rounding."""
    single, double = (ALL.draw(3, (9, 7), seeded(), dtype) for dtype in (torch.float32, torch.float64))
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, atol=1e-5, rtol=0)


def test_images_are_moved_differently() -> None:
    """Each image of a draw has a movement of its own."""
    grid = ALL.draw(5, (9, 7), seeded())
    assert grid.shape == (5, 9, 7, 2)
    assert len({tuple(one.flatten().tolist()) for one in grid}) == 5


def test_size_of_shifts() -> None:
    """Shifts are uniform along both axes and reach the given pixels, not beyond."""
    still = Augmentation(0, 0, 0).draw(4000, (4, 8), seeded(), torch.float64)
    moved = Augmentation(3, 0, 0).draw(4000, (4, 8), seeded(), torch.float64)
    pixels = (moved - still)[:, 0, 0] * torch.tensor([8, 4]) / 2
    assert pixels.abs().amax(0).tolist() == pytest.approx([3, 3], abs=0.01)
    assert pixels.std(0).tolist() == pytest.approx([3 / math.sqrt(3)] * 2, rel=0.05)


def test_size_of_rotations() -> None:
    """Angles are uniform and reach the given degrees, not beyond."""
    corners = Augmentation(0, 20, 0).draw(4000, (5, 5), seeded(), torch.float64)[:, 2, 4]
    angles = torch.rad2deg(torch.atan2(corners[:, 1], corners[:, 0]))
    assert angles.abs().max().item() == pytest.approx(20, abs=0.1)
    assert angles.std().item() == pytest.approx(20 / math.sqrt(3), rel=0.05)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_size_and_smoothness_of_elastic_distortion(sigma: float) -> None:
    """At every pixel the displacement deviates by `elastic`; neighbours correlate as smoothed white noise does."""
    sides = (8, 12)
    still = Augmentation(0, 0, 0).draw(1, sides, seeded(), torch.float64)
    moved = Augmentation(0, 0, 1.5, sigma).draw(6000, sides, seeded(), torch.float64)
    pixels = (moved - still) * torch.tensor([12, 8]) / 2
    assert pixels.mean(0).abs().max() < 0.1
    torch.testing.assert_close(pixels.std(0), torch.full((8, 12, 2), 1.5).double(), rtol=0.06, atol=0)
    for other in (pixels[:, 0, 3], pixels[:, 3, 0]):
        correlation = (pixels[:, 0, 0] * other).mean(0) / 1.5**2
        assert correlation.tolist() == pytest.approx([math.exp(-(3**2) / (4 * sigma**2))] * 2, abs=0.06)
    assert abs((pixels[..., 0] * pixels[..., 1]).mean().item()) < 0.05  # the axes are drawn independently


@pytest.mark.parametrize("name", ["shift", "rotation", "elastic", "elastic_sigma"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_impossible_values_are_refused(name: str, value: float) -> None:
    """Negative and endless values are refused with their name."""
    with pytest.raises(ValueError, match=rf"The '{name}' of an augmentation must be in the range \[[01], inf\)"):
        Augmentation(**{"shift": 1, "rotation": 1, "elastic": 1} | {name: value})
