"""Folders of images, one folder for each class, or such folders in `train` and `test`."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.datasets.schema.arrays import LabelledArrays, join
from bakeoff.errors import UserError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")


def read_image_folder(folder: Path, *, image_size: tuple[int, int] | None = None) -> LabelledArrays:
    """Read all images of a folder into bytes, grey if all of them are, else as red, green and blue.

    Parameters
    ----------
    folder : Path
        FOLDER/CLASS/IMAGE, or FOLDER/train/CLASS/IMAGE and FOLDER/test/CLASS/IMAGE.
    image_size : (height, width), optional
        Size that all images are brought to; without it they must have one size.

    Raises
    ------
    UserError
        If there are no images, one can't be read, or they differ in size.
    """
    names = {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    folders = [folder / "train", folder / "test"] if names == {"train", "test"} else [folder]
    parts = [_list_images(part) for part in folders]
    images = _read_all([path for part in parts for path in part], image_size)
    labels = np.array([path.parent.name for part in parts for path in part], dtype=object)
    whole = LabelledArrays(images, labels, images.shape[1:])
    if len(parts) == 1:
        return whole
    n_train = len(parts[0])
    return join(
        LabelledArrays(images[:n_train], labels[:n_train], images.shape[1:]),
        LabelledArrays(images[n_train:], labels[n_train:], images.shape[1:]),
    )


def _list_images(folder: Path) -> list[Path]:
    """List the images below a folder, by class and name."""
    files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not files:
        raise UserError(f"{folder} holds no images; a folder for each class, with images in it, must stand there")
    return files


def _read_all(files: list[Path], size: tuple[int, int] | None) -> np.ndarray:
    first = [_read(path, size) for path in files]
    shapes = {image.shape[:2] for image in first}
    if len(shapes) > 1:
        odd = next(path for path, image in zip(files, first, strict=True) if image.shape[:2] != first[0].shape[:2])
        raise UserError(
            f"the images differ in size: {files[0]} has {first[0].shape[:2]} pixels, {odd} another; give "
            "image_size: [HEIGHT, WIDTH]"
        )
    colour = any(image.ndim == 3 for image in first)
    if not colour:
        return np.stack(first)[:, None]
    return np.stack([_as_colour(image) for image in first])


def _as_colour(image: np.ndarray) -> np.ndarray:
    return np.moveaxis(image, 2, 0) if image.ndim == 3 else np.repeat(image[None], 3, axis=0)


def _read(path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """Read one image as bytes, (height, width) or (height, width, 3)."""
    try:
        from PIL import Image
    except ImportError:
        raise UserError(f"{path}: reading images needs Pillow: pip install 'bakeoff[images]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"its pixels have more than 8 bits, mode {image.mode}")
                plain: Any = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
        if size is not None:
            plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(plain)
    except Exception as error:  # decoders raise errors of their own
        raise UserError(f"{path} is no image that can be read ({error}); remove it or save it anew") from None
