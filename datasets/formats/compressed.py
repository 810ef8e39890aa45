"""Files as streams of bytes, compressed or not: by their ending, and never more than the machine can hold."""

import bz2
import gzip
import hashlib
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from bakeoff.errors import UserError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_MEMORY_FRACTION = 0.5  # share of the machine's memory that one file may unpack to


def _open_zst(path: Path) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise UserError(f"{path}: reading .zst needs zstandard: pip install 'bakeoff[zst]'") from None
    stream: IO[bytes] = zstandard.open(path, "rb")
    return stream


DECOMPRESSORS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zst,
}


class SizeLimitedReader(io.RawIOBase):
    """A stream that says what is wrong with its file, and ends with an error beyond a number of bytes.

    Parameters
    ----------
    stream : binary stream
    path : Path
        Stands in the errors.
    limit : int
        Bytes; what unpacks to more is refused before it fills the memory.
    """

    def __init__(self, stream: IO[bytes], path: Path, limit: int) -> None:
        self.stream, self.path, self.limit = stream, path, limit
        self.count = 0

    def readable(self) -> bool:
        """Tell that this stream is for reading."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer with the next bytes; return how many there were."""
        view = memoryview(buffer)
        try:
            data = self.stream.read(len(view))
        except UserError:
            raise
        except Exception as error:  # each kind of compression raises errors of its own
            reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise UserError(f"{self.path} can't be unpacked ({reason}); get or make the file anew") from None
        self.count += len(data)
        if self.count > self.limit:
            raise UserError(
                f"{self.path} unpacks to more than {self.limit / 2**30:.1f} GiB, half of this machine's memory; "
                "use a smaller part of the data"
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file too."""
        self.stream.close()
        super().close()


def open_file(path: Path, *, limit: int | None = None) -> IO[bytes]:
    """Open a file for reading its content, unpacked if its name ends in .gz, .bz2, .xz or .zst.

    Parameters
    ----------
    path : Path
    limit : int, optional
        Most bytes of content; half of the machine's memory if left out.

    Raises
    ------
    UserError
        If there is no such file, it can't be read, or, while it is read, it is damaged or larger than the limit.
    """
    check_file(path)
    try:
        stream = DECOMPRESSORS[path.suffix.lower()](path) if path.suffix.lower() in DECOMPRESSORS else path.open("rb")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror or error}") from None
    return io.BufferedReader(
        SizeLimitedReader(stream, path, limit or int(psutil.virtual_memory().total * MAX_MEMORY_FRACTION))
    )


def check_file(path: Path) -> None:
    """Refuse a path where no file is."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"there is no data file {str(path)!r} (it {what}); give the path of a file")


def uncompressed_name(path: Path) -> str:
    """Return the name of a file without the ending that says how it is compressed."""
    return path.name.removesuffix(path.suffix) if path.suffix.lower() in DECOMPRESSORS else path.name


def check_sha256(path: Path, wanted: str) -> None:
    """Refuse a file whose bytes are not those that were meant.

    Parameters
    ----------
    path : Path
    wanted : str
        SHA-256 of the file as it lies on the disk, 64 hex digits.
    """
    check_file(path)
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != wanted.lower():
        raise UserError(f"{path} has the SHA-256 {found}, not {wanted}; get the file anew, or correct sha256")
