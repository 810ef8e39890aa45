"""MNIST's own format, IDX: a few bytes of types and sizes, then the values (LeCun et al. 1998)."""

import math
from pathlib import Path

import numpy as np

from bakeoff.datasets.formats.compressed import open_file, uncompressed_name
from bakeoff.datasets.schema.arrays import LabelledArrays, to_channels_first
from bakeoff.errors import UserError

DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CHUNK = 2**24


def is_idx(path: Path) -> bool:
    """Tell by the name, such as train-images-idx3-ubyte.gz."""
    name = uncompressed_name(path)
    return name.endswith((".idx", ".idx3-ubyte")) or ("idx" in name and name.endswith("-ubyte"))


def read_idx(path: Path, labels: Path | None = None) -> LabelledArrays:
    """Read a file of images and the file of their labels.

    Parameters
    ----------
    path : Path
        Such as train-images-idx3-ubyte, compressed or not.
    labels : Path, optional
        The file that says "labels" and "idx1" where the other says "images" and "idx3", if left out.

    Raises
    ------
    UserError
        If a file is missing, no IDX, shorter than its header says, or the two differ in length.
    """
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    other = labels or beside
    if other == path:
        raise UserError(f"{path} does not say 'images' in its name, so its labels can't be found; give labels: FILE")
    X, y = read_idx_array(path), read_idx_array(other)
    if y.ndim != 1 or X.ndim < 2 or len(X) != len(y):
        raise UserError(f"{path} has the shape {X.shape} and {other} {y.shape}; each image needs one label")
    shaped, notes = to_channels_first(X, "image", path.name)
    return LabelledArrays(shaped, y, shaped.shape[1:], notes=notes)


def read_idx_array(path: Path) -> np.ndarray:
    """Read one IDX file, shape as its header says; bytes are allocated as they come, not as they are promised."""
    with open_file(path) as stream:
        magic = stream.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or not magic[3]:
            raise UserError(f"{path} is no IDX file: it begins with {magic.hex() or 'nothing'}")
        sizes = stream.read(4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            raise UserError(f"{path} ends within its header; get the file anew")
        shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
        dtype = np.dtype(DTYPES[magic[2]])
        wanted, content = math.prod(shape) * dtype.itemsize, bytearray()
        while len(content) <= wanted and (chunk := stream.read(CHUNK)):
            content += chunk
    if len(content) != wanted:
        more = "more than" if len(content) > wanted else "only"
        raise UserError(f"{path} says {shape} values, {wanted} bytes, but holds {more} {min(len(content), wanted)}")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
