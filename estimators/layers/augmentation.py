"""Light augmentation of images while a net trains: random shift, rotation, elastic distortion and mirroring.

Random numbers come from the given generator alone, in a fixed order, so that the draws of one net do not depend on
what other nets draw. Geometry is in pixels: x to the right, y downwards, both from the centre of the image.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from bakeoff.estimators.layers.layers import ReplicaContext
from bakeoff.estimators.layers.networks import pad_to_largest


@dataclass(frozen=True)
class Augmentation:
    """How far each image is moved, turned and distorted, and whether it is mirrored, anew at every draw.

    Parameters
    ----------
    shift : float
        Pixels; each image moves along each axis by a uniform draw from [-shift, shift].
    rotation : float
        Degrees; each image turns about its centre by a uniform draw from [-rotation, rotation].
    elastic : float
        Pixels; the standard deviation of the displacement of each pixel along each axis. The displacement is a smooth
        Gaussian random field of mean 0 with this deviation at every pixel, the rim included. Simard's alpha = 34 at
        sigma = 4, as SciPy versions write it (uniform noise, smoothed, times alpha), is elastic = 1.4 here.
    elastic_sigma : float, default=4.0
        Pixels, at least 1; the deviation of the Gaussian kernel that smooths the field.
    flip : bool, default=False
        Whether an image is mirrored, left to right, with a probability of one half, before all else.

    Raises
    ------
    ValueError
        If a value is negative or not finite, or `elastic_sigma` is below 1.

    Notes
    -----
    Source: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document
    analysis", ICDAR 2003. They smooth noise drawn for every pixel; here it is drawn on nodes one `elastic_sigma`
    apart, which changes the correlations of the smoothed field by less than 0.001 and makes it some 10 times faster.
    """

    shift: float
    rotation: float
    elastic: float
    elastic_sigma: float = 4.0
    flip: bool = False

    def __post_init__(self) -> None:
        for name, low in (("shift", 0), ("rotation", 0), ("elastic", 0), ("elastic_sigma", 1)):
            value = getattr(self, name)
            if not low <= value < math.inf:
                raise ValueError(f"The '{name}' of an augmentation must be in the range [{low}, inf). Got {value!r}.")

    def draw(
        self, n: int, sides: tuple[int, int], generator: torch.Generator, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Draw where each pixel of `n` images takes its value from.

        Parameters
        ----------
        n : int
            Number of images.
        sides : (height, width)
            Size of the images in pixels.
        generator : torch.Generator
            Where all random numbers come from, the same ones for every dtype; the grid lies on its device.
        dtype : torch.dtype, default=torch.float32
            Type of the grid, which must be that of the images.

        Returns
        -------
        Tensor of shape (n, height, width, 2)
            The sampling grid for `apply`.
        """
        device = generator.device
        uniform = torch.rand(n, 3, generator=generator, device=device).to(dtype) * 2 - 1
        field = _smooth_field(n, sides, self.elastic_sigma, generator, dtype) * self.elastic if self.elastic else None
        grid = sampling_grid(sides, uniform[:, 0] * self.rotation, uniform[:, 1:] * self.shift, field)
        if self.flip:
            grid[..., 0] *= 1 - 2 * torch.randint(2, (n, 1, 1), generator=generator, device=device)
        return grid

    @staticmethod
    def apply(images: Tensor, grid: Tensor) -> Tensor:
        """Sample images along a grid, bilinearly; beyond the rim the rim's value goes on.

        Zeros would be wrong there: once pixels are scaled, the background is another number.

        Parameters
        ----------
        images : Tensor of shape (m, channels, height, width)
        grid : Tensor of shape (m, height, width, 2)
            From `draw` or `sampling_grid`.

        Returns
        -------
        Tensor of shape (m, channels, height, width)
        """
        return grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def sampling_grid(sides: tuple[int, int], angles: Tensor, shifts: Tensor, field: Tensor | None = None) -> Tensor:
    """Return the grid of known movements: image i is shifted, then turned, and distorted on top.

    Parameters
    ----------
    sides : (height, width)
        Size of the images in pixels.
    angles : Tensor of shape (n,)
        Degrees, counter-clockwise.
    shifts : Tensor of shape (n, 2)
        Pixels to the right and pixels down.
    field : Tensor of shape (n, 2, height, width), default=None
        Pixels by which each pixel looks further to the right and further down.

    Returns
    -------
    Tensor of shape (n, height, width, 2)
        Coordinates as `torch.nn.functional.grid_sample` takes them with align_corners=False.
    """
    height, width = sides
    x, y = _centred(width, angles), _centred(height, angles)[:, None]
    cos, sin = (turn(torch.deg2rad(angles))[:, None, None] for turn in (torch.cos, torch.sin))
    right, down = shifts[:, 0, None, None], shifts[:, 1, None, None]
    from_x = cos * x - (sin * y + right)
    from_y = sin * x + (cos * y - down)
    if field is not None:
        from_x, from_y = from_x + field[:, 0], from_y + field[:, 1]
    return torch.stack((from_x * (2 / width), from_y * (2 / height)), dim=-1)


def _centred(side: int, like: Tensor) -> Tensor:
    return torch.arange(side, dtype=like.dtype, device=like.device) - (side - 1) / 2


def _smooth_field(
    n: int, sides: tuple[int, int], sigma: float, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Draw Gaussian fields of unit variance at every pixel, shape (n, 2, height, width)."""
    down, across = (_smoother(side, sigma).to(generator.device, dtype) for side in sides)
    noise = torch.randn(n, 2, down.shape[1], across.shape[1], generator=generator, device=generator.device)
    return down @ noise.to(dtype) @ across.T


@lru_cache(maxsize=32)
def _smoother(side: int, sigma: float) -> Tensor:
    """Return Gaussian weights of nodes for pixels, shape (side, nodes), with rows of norm 1."""
    reach = math.ceil((side - 1) / 2 / sigma) + 3
    nodes = torch.arange(-reach, reach + 1, dtype=torch.float64) * sigma
    weights = torch.exp(-((_centred(side, nodes)[:, None] - nodes) ** 2) / (2 * sigma**2))
    norms: Tensor = torch.linalg.vector_norm(weights, dim=1, keepdim=True)
    return weights / norms


@dataclass(frozen=True)
class ReplicaAugmentation:
    """Augments the images of a training step, each replica's with numbers from its own generator.

    Parameters
    ----------
    augmentation : Augmentation
    shape : (channels, height, width)
    """

    augmentation: Augmentation
    shape: tuple[int, ...]

    def __call__(self, inputs: Tensor, context: ReplicaContext) -> Tensor:
        """Return inputs (E, n, features) anew; padding is not drawn for, so that a replica draws as it does alone."""
        channels, height, width = self.shape
        replicas, n_rows, _ = inputs.shape
        sizes = context.sizes or [n_rows] * replicas
        grids = [
            self.augmentation.draw(size, (height, width), generator, inputs.dtype)[None]
            for size, generator in zip(sizes, context.generators, strict=True)
        ]
        images = inputs.reshape(replicas * n_rows, channels, height, width)
        grid = torch.cat(pad_to_largest(grids)).flatten(0, 1)
        return self.augmentation.apply(images, grid).view(inputs.shape)
