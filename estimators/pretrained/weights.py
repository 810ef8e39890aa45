"""Where the weights of pretrained models lie: at a given path, in the folder of BAKEOFF_WEIGHTS, in a package's cache.

Nothing is ever downloaded: who wants a pretrained model puts its weights there; results name them by their digest.
"""

import hashlib
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from bakeoff.errors import UserError

FOLDER_VARIABLE = "BAKEOFF_WEIGHTS"
HUB = "https://huggingface.co"
CHUNK_BYTES = 2**20


def find_weights_file(filename: str, *, model: str, given: str | None, caches: Iterable[Path], source: str) -> Path:
    """Return the file of a model's weights.

    Parameters
    ----------
    filename : str
        What the file is called where it was published.
    model : str
        Who needs it, for the error.
    given : str, optional
        A path that a user gave: the file, or a folder that holds it; it may start in the folder of BAKEOFF_WEIGHTS.
    caches : iterable of Path
        Where the package itself would keep it; looked at if no path was given.
    source : str
        Where a user gets it from.

    Raises
    ------
    UserError
        If it is in none of these places.
    """
    if given is None:
        places = [*(folder / filename for folder in _folders()), *caches]
    else:
        places = [place for start in _starts(given) for place in (start, start / filename)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        where = f"no file at {given!r}" if given is not None else f"no {filename}, and nothing is downloaded"
        raise UserError(f"{model} has no weights: {where}; {_advice(filename, source)}")
    return found


def find_weights_folder(name: str, *, marker: str, model: str) -> Path:
    """Return the folder of a model's weights, as the libraries of Hugging Face write it.

    Parameters
    ----------
    name : str
        A path, which may start in the folder of BAKEOFF_WEIGHTS, or the name of a model of the Hub, OWNER/NAME, that is
        in its cache already.
    marker : str
        A file that such a folder holds.
    model : str
        Who needs it, for the error.

    Raises
    ------
    UserError
        If there is no such folder.
    """
    places = [start / marker for start in _starts(name)] + list(hub_cache(name, marker))
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UserError(
            f"{model} has no weights: no folder {name!r} with a {marker}, and nothing is downloaded; "
            f"{_advice(f'the folder {Path(name).name}', f'{HUB}/OWNER/NAME')}"
        )
    return found.parent


def hub_cache(repository: str, filename: str) -> Iterable[Path]:
    """Yield the file of a repository of the Hugging Face Hub, if it is in the Hub's cache; no network is used."""
    if repository.count("/") != 1 or repository.startswith(("/", ".")):
        return
    try:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(repository, filename)
    except (ImportError, ValueError):  # what is no name of a repository is a ValueError
        return
    if isinstance(found, str):
        yield Path(found)


def digest_weights(path: Path) -> str:
    """Return the SHA-256 (hex) of a file, or of all files of a folder with their names."""
    files = [path] if path.is_file() else sorted(part for part in path.rglob("*") if part.is_file())
    parts = [(part.relative_to(path).as_posix(), _digest_file(part, _state(part))) for part in files]
    return parts[0][1] if path.is_file() else hashlib.sha256(repr(parts).encode()).hexdigest()


@lru_cache(maxsize=256)
def _digest_file(path: Path, state: tuple[int, int]) -> str:
    del state  # is only to notice another file of that name
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _folders() -> list[Path]:
    folder = os.environ.get(FOLDER_VARIABLE, "").strip()
    return [Path(folder).expanduser()] if folder else []


def _starts(given: str) -> list[Path]:
    return [Path(given).expanduser(), *(folder / given for folder in _folders())]


def _advice(what: str, source: str) -> str:
    return f"put {what} (from {source}) into the folder that {FOLDER_VARIABLE} names, or give its path as `weights`"
