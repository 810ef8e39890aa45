"""What a fit leaves beside its record, each in a file of its own: trials, losses, importance, predictions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from bakeoff.errors import UserError
from bakeoff.plain import to_jsonable
from bakeoff.records.record import rename_fields

# What lies beside the records: the folder, which key of the record names the file, and its ending.
FIT_FILES = (
    ("predictions", "fit", ".npz"),
    ("trials", "fit", ".jsonl"),
    ("curves", "fit", ".json"),
    ("importance", "fit", ".json"),
    ("studies", "study", ".log"),
)
REBUILD = "`bakeoff run` with the same suite and --out writes it anew, and keeps what is recorded"


class FitFiles:
    """The files of a run folder that are written whole, among them those of single fits.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file of the folder."""
        write_atomic(self.path / name, json.dumps(to_jsonable(content), indent=1, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the folder; an empty mapping if there is none.

        Raises
        ------
        UserError
            If the file is damaged.
        """
        path = self.path / name
        if not path.is_file():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return {**content}
        except (ValueError, TypeError, RecursionError):
            raise UserError(f"{path} is damaged; {REBUILD}") from None

    def write_trials(self, fit: str, trials: Sequence[Mapping[str, Any]]) -> None:
        """Write the trials of a tuned fit, one line each."""
        lines = (json.dumps(to_jsonable(trial), ensure_ascii=False) for trial in trials)
        write_atomic(self.path / "trials" / f"{fit}.jsonl", "".join(f"{line}\n" for line in lines))

    def read_trials(self, fit: str) -> list[dict[str, Any]]:
        """Read what `write_trials` wrote; none if it is not there or damaged."""
        path = self.path / "trials" / f"{fit}.jsonl"
        try:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            return [rename_fields(row) for row in rows]
        except (OSError, ValueError, AttributeError, RecursionError):
            return []

    def read_curves(self, fit: str) -> dict[str, list[float]]:
        """Read the losses of a net by epoch; an empty mapping if there are none, or damaged ones."""
        return self._read_lists(f"curves/{fit}.json")

    def read_importance(self, fit: str) -> dict[str, list[float]]:
        """Read what the score lost with each column shuffled; an empty mapping if there is nothing, or damaged."""
        return self._read_lists(f"importance/{fit}.json")

    def has_importance(self, fit: str) -> bool:
        """Tell whether a fit has measured what its columns matter."""
        return (self.path / "importance" / f"{fit}.json").is_file()

    def _read_lists(self, name: str) -> dict[str, list[float]]:
        try:
            found = self.read_json(name)
        except UserError:
            return {}
        whole = all(isinstance(one, list) and all(isinstance(x, int | float) for x in one) for one in found.values())
        return found if whole else {}

    def write_predictions(self, fit: str, arrays: Mapping[str, Any]) -> None:
        """Write the test rows of a fit with their predictions, as a compressed npz without pickles."""
        import numpy as np

        path = self.path / "predictions" / f"{fit}.npz"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez_compressed(file, **{name: _storable(array) for name, array in arrays.items()})
        part.replace(path)

    def read_predictions(self, fit: str) -> dict[str, Any]:
        """Read what `write_predictions` wrote; an empty mapping if it is not there or damaged."""
        import numpy as np

        try:
            with np.load(self.path / "predictions" / f"{fit}.npz") as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return {}


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a half."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _storable(array: Any) -> Any:
    import numpy as np

    array = np.asarray(array)
    return array.astype(str) if array.dtype.kind == "O" else array
