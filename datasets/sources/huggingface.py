"""Data sets of the Hugging Face Hub, by their name: tables and texts, from the Hub's own Parquet files.

The Hub's client (extra `huggingface`) keeps what it fetched in its cache; HF_HOME says where.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from bakeoff.datasets.dataset import Dataset
from bakeoff.datasets.formats.tables import read_table
from bakeoff.datasets.options import HubOptions
from bakeoff.datasets.origin import Origin
from bakeoff.datasets.schema.frames import dataset_from_frame
from bakeoff.errors import UserError, unknown_name

REVISION = "refs/convert/parquet"  # the branch on which the Hub keeps its own conversion of a data set
DEFAULT = "default"
NO_FILES = "the Hub has no Parquet files of it; download its own files and give their path"
NO_LABEL = -1  # the class of rows whose label is not published


def load_huggingface(name: str, options: HubOptions) -> Dataset:
    """Load a data set by its name on the Hugging Face Hub.

    Its column of class labels is the target where the options name none, with the names of the classes; its own
    training and test parts are kept apart.

    Parameters
    ----------
    name : str
        OWNER/NAME.
    options : HubOptions

    Raises
    ------
    UserError
        If the client is not installed, the Hub can't be reached, there is no such data set, or it is none of numbers
        and texts.
    """
    source = f"huggingface:{name}"
    hub = _import_client().HfApi()
    with _translate_errors(source):
        files, kept = _list_files(hub, name, options)
    parts = _choose_parts(source, files, options, all_known=kept is None)
    with _translate_errors(source):
        folder = kept or _fetch(hub, name, allow_patterns=[file for part in parts for file in part])
    frames = [pd.concat([read_table(folder / file) for file in part], ignore_index=True) for part in parts]
    classes = _class_names(folder / parts[0][0])
    target = options.target if options.target is not None or len(classes) != 1 else next(iter(classes))
    frame = _with_names(pd.concat(frames, ignore_index=True), classes, source, target)
    inferred: dict[str, Any] = {"target": target}
    if len(parts) == 2 and options.split is None and options.n_train is None:
        inferred["n_train"] = len(frames[0])
    origin = Origin(name=name.rpartition("/")[2], source=f"Hugging Face data set {name}")
    return dataset_from_frame(frame, options.model_copy(update=inferred), origin)


def _import_client() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise UserError("data sets of Hugging Face need its client: pip install 'bakeoff[huggingface]'") from None
    return huggingface_hub


@contextmanager
def _translate_errors(source: str) -> Iterator[None]:
    """Tell what went wrong between here and the Hub in one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"{source}: the Hub shows no such data set; check OWNER/NAME, or log in (`hf auth login`) if it is private "
            "or must be asked for"
        ) from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{source}: {NO_FILES}") from None
    except errors.HFValidationError:
        raise UserError(
            f"{source}: after huggingface: stands OWNER/NAME, such as huggingface:stanfordnlp/imdb"
        ) from None
    except Exception as error:
        raise UserError(
            f"{source}: the Hub gave no answer that can be used, and the data are not in the cache "
            f"({_first_line(error)}); connect once, and later runs work without a connection"
        ) from None


def _list_files(hub: Any, name: str, options: HubOptions) -> tuple[list[str], Path | None]:
    """List the Parquet files of a data set, CONFIG/SPLIT/NUMBER.parquet.

    Without a connection, those in the cache that the options ask for are listed, with the folder in which they are.
    """
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    kept = None
    try:
        files = hub.list_repo_files(name, repo_type="dataset", revision=REVISION)
    except (HFValidationError, RepositoryNotFoundError, RevisionNotFoundError):
        raise
    except Exception as error:  # the client's errors are those of requests, httpx or httpx2, by its version
        wanted = [f"{options.config or '*'}/{split}/*" for split in options.splits or ("*",)]
        try:
            kept = _fetch(hub, name, allow_patterns=wanted, local_files_only=True)
        except OSError:
            raise error from None
        files = [str(path.relative_to(kept)) for path in kept.rglob("*.parquet")]
    return sorted(file for file in files if file.endswith(".parquet") and file.count("/") == 2), kept


def _fetch(hub: Any, name: str, **options: Any) -> Path:
    """Bring files of a data set into the cache, and return the folder in which they are."""
    return Path(hub.snapshot_download(name, repo_type="dataset", revision=REVISION, **options))


def _choose_parts(source: str, files: list[str], options: HubOptions, *, all_known: bool) -> list[list[str]]:
    """Return the files of the one part, or of the training and the test part."""
    config = options.config or _only_or_default("config", source, {file.split("/")[0] for file in files}, DEFAULT)
    by_split: dict[str, list[str]] = {}
    for file in files:
        if file.startswith(f"{config}/"):
            by_split.setdefault(file.split("/")[1], []).append(file)
    if not by_split:
        raise UserError(f"{source}: {unknown_name('config', config, {file.split('/')[0] for file in files})}")
    splits = options.splits or (_only_or_default("splits", source, set(by_split), "train"), "test")
    unknown = [split for split in options.splits or () if split not in by_split]
    if unknown:
        raise UserError(f"{source}: {unknown_name('split', unknown[0], by_split)}")
    parts = [by_split[split] for split in dict.fromkeys(splits) if split in by_split]
    guessed = (options.config is None and config != DEFAULT) or (options.splits is None and len(parts) == 1)
    if guessed and not all_known:
        raise UserError(
            f"{source}: without a connection only what was fetched before is known; give config: {config} and "
            f"splits: [{', '.join(by_split)}], say"
        )
    return parts


def _only_or_default(option: str, source: str, known: set[str], usual: str) -> str:
    """Return the only one there is, or the usual one."""
    if not known:
        raise UserError(f"{source}: {NO_FILES}")
    if len(known) > 1 and usual not in known:
        raise UserError(f"{source} has several to choose from; give {option}, from {', '.join(sorted(known)[:20])}")
    return usual if usual in known else known.pop()


def _class_names(path: Path) -> dict[str, list[str]]:
    """Read which columns are class labels, and what the classes are called, from the file's own description."""
    from pyarrow.parquet import read_schema

    schema_entry = (read_schema(path).metadata or {}).get(b"huggingface", b"{}")
    features = json.loads(schema_entry).get("info", {}).get("features", {})
    return {
        column: feature["names"]
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _with_names(
    frame: pd.DataFrame, classes: dict[str, list[str]], source: str, target: str | int | None
) -> pd.DataFrame:
    """Write the names of classes in place of their numbers."""
    if target in classes and (frame[target] == NO_LABEL).any():
        raise UserError(
            f"{source}: rows have the label {NO_LABEL}, which means that it is not published; give splits that have "
            "labels, [train, validation], say"
        )
    names = {column: dict(enumerate(labels)) for column, labels in classes.items()}
    return frame.assign(**{column: frame[column].map(numbers) for column, numbers in names.items()})


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
