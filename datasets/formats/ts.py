"""The .ts format of the UCR, UEA and TSER archives: series of one or more channels, of equal or unequal lengths.

A line is a series: channels apart by colons, values by commas, "?" for a missing one, the label last. Shorter series
are filled up with NaN at the end.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bakeoff.datasets.formats.compressed import open_file
from bakeoff.datasets.schema.arrays import LabelledArrays
from bakeoff.errors import UserError

BOOLEANS = {"true": True, "false": False}


@dataclass
class Header:
    """What stands before @data."""

    classes: list[str] | None = None
    numeric_target: bool = False
    entries: dict[str, str] = field(default_factory=dict)

    @property
    def labelled(self) -> bool:
        """Whether the last field of a line is a label or a value to predict."""
        return self.classes is not None or self.numeric_target


def read_ts(path: Path) -> LabelledArrays:
    """Read a .ts file.

    Raises
    ------
    UserError
        If the file is damaged, has no labels, holds time stamps, or a line does not fit the header.
    """
    try:
        with open_file(path) as stream, io.TextIOWrapper(stream, encoding="utf-8") as text:
            lines = enumerate(text, start=1)
            header = _read_header(path, lines)
            rows = [_read_row(path, number, line.strip(), header) for number, line in lines if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}); get the file anew") from None
    if not rows:
        raise UserError(f"{path} has no series after @data")
    return _to_values(path, rows, header)


def _read_header(path: Path, lines: Iterator[tuple[int, str]]) -> Header:
    header = Header()
    for number, line in lines:
        words = line.strip().split()
        if not words or words[0].startswith("#"):
            continue
        key = words[0].lower()
        if not key.startswith("@"):
            raise UserError(f"{path}, line {number}: a .ts file begins with lines such as @problemName, then @data")
        if key == "@data":
            if not header.labelled:
                raise UserError(
                    f"{path} has no class labels (@classLabel true … or @targetLabel true); there is nothing to predict"
                )
            return header
        _read_header_entry(path, number, header, key, words[1:])
    raise UserError(f"{path} has no line @data")


def _read_header_entry(path: Path, number: int, header: Header, key: str, words: list[str]) -> None:
    header.entries[key] = " ".join(words)
    if key == "@timestamps" and words and BOOLEANS.get(words[0].lower(), False):
        raise UserError(f"{path}, line {number}: series with time stamps are not read; save values at equal steps")
    if key in ("@classlabel", "@targetlabel"):
        if not words or words[0].lower() not in BOOLEANS:
            raise UserError(f"{path}, line {number}: {key} must be followed by true or false")
        if BOOLEANS[words[0].lower()]:
            header.numeric_target = key == "@targetlabel"
            header.classes = None if header.numeric_target else words[1:]


def _read_row(path: Path, number: int, line: str, header: Header) -> tuple[list[np.ndarray], str]:
    *channels, label = line.split(":")
    if not channels:
        raise UserError(f"{path}, line {number}: a series and its label stand apart by a colon; there is none")
    if header.classes and label.strip() not in header.classes:
        raise UserError(
            f"{path}, line {number}: {label.strip()!r} is no class of the header: {', '.join(header.classes)}"
        )
    return [_read_channel(path, number, channel) for channel in channels], label.strip()


def _read_channel(path: Path, number: int, channel: str) -> np.ndarray:
    if "(" in channel:
        raise UserError(f"{path}, line {number}: series with time stamps are not read; save values at equal steps")
    try:
        return np.array([np.nan if value.strip() == "?" else float(value) for value in channel.split(",")], "float32")
    except ValueError as error:
        raise UserError(f"{path}, line {number}: {error}; a series is numbers and ? with commas") from None


def _to_values(path: Path, rows: list[tuple[list[np.ndarray], str]], header: Header) -> LabelledArrays:
    n_channels = len(rows[0][0])
    odd = next((place for place, (channels, _) in enumerate(rows) if len(channels) != n_channels), None)
    if odd is not None:
        raise UserError(
            f"{path}: series {odd + 1} has {len(rows[odd][0])} channels, the first has {n_channels}; all need the same"
        )
    lengths = [max(map(len, channels)) for channels, _ in rows]
    X = np.full((len(rows), n_channels, max(lengths)), np.nan, dtype="float32")
    for row, (channels, _) in zip(X, rows, strict=True):
        for steps, channel in zip(row, channels, strict=True):
            steps[: len(channel)] = channel
    notes = () if len(set(lengths)) == 1 else (f"{path.name}: {min(lengths)} to {max(lengths)} steps a series",)
    return LabelledArrays(X, _targets(path, [label for _, label in rows], header), X.shape[1:], notes=notes)


def _targets(path: Path, labels: list[str], header: Header) -> np.ndarray:
    if not header.numeric_target:
        return np.array(labels, dtype=object)
    try:
        return np.array([float(label) for label in labels])
    except ValueError as error:
        raise UserError(f"{path}: {error}; @targetLabel true asks for numbers") from None
