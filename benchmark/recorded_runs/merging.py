"""Merge: runs of parts of one suite, made anywhere, joined into one run folder."""

import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bakeoff.errors import UserError
from bakeoff.estimators.models.registry import FAMILIES, specs_of_family
from bakeoff.plain import format_percent
from bakeoff.records.fit_files import FIT_FILES, write_atomic
from bakeoff.records.provenance import changed_versions
from bakeoff.records.record import UNFINISHED, Record
from bakeoff.records.run_folder import RunFolder
from bakeoff.reports.run_data.comparable import check_comparable
from bakeoff.suites.entries import name_of_dataset, name_of_model
from bakeoff.suites.suite import Suite
from bakeoff.suites.suite_file import dump_suite, to_suite

EntryT = TypeVar("EntryT")
# What every part must say alike; data sets, models and learning curves are joined, and limits are in no key.
COMMON_KEYS = (
    *("name", "seed", "outer_folds", "inner_folds", "repeats", "tuning", "caps", "primary", "metrics", "threads"),
    *("device", "description", "notice", "statistics", "bagging_folds", "calibrate", "threshold"),
)


@dataclass(frozen=True)
class Part:
    """One of the runs to be joined, read whole."""

    folder: RunFolder
    suite: Suite
    plan: dict[str, Any]
    provenance: dict[str, Any]
    audit: dict[str, Any]
    records: dict[str, Record]

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.folder.path)


@dataclass(frozen=True)
class MergeSummary:
    """What merging came to: the folder, its recorded and its planned fits, and what a user should know."""

    folder: RunFolder
    recorded: int
    planned: int
    notes: tuple[str, ...]


def merge_runs(parts: Sequence[RunFolder], out: RunFolder, *, mixed_versions: bool = False) -> MergeSummary:
    """Join runs of one suite into one folder, with its reports; merging again, or one part more, changes nothing else.

    Of a fit that several parts hold, the one that ended well counts.

    Raises
    ------
    UserError
        All reasons why the parts do not belong together, at once: other suites, data, splits, metrics or versions, or
        other scores of the same fit. Nothing is written then.
    """
    from bakeoff.reports import write_reports

    _check_output_folder(parts, out)
    folders = {folder.path.resolve(): folder for folder in (*([out] if out.exists else []), *parts)}
    read = [_read(folder) for folder in folders.values()]
    problems = [*_find_conflicts(read), *([] if mixed_versions else _version_conflicts(read))]
    chosen: dict[str, tuple[Part, Record]] = {}
    for part in read:
        for fit, record in part.records.items():
            problems += _keep_better(chosen, part, fit, record)
    if problems:
        raise UserError(*dict.fromkeys(problems))
    plan = _join_plans(read)
    out.create()
    with out.locked():
        _write(out, read, plan, chosen)
        write_reports(out)
    recorded = sum(fit["fit"] in chosen for fit in plan["fits"])
    return MergeSummary(out, recorded, len(plan["fits"]), tuple(_notes(read)))


def _check_output_folder(parts: Sequence[RunFolder], out: RunFolder) -> None:
    """Refuse to write over a part, or into one."""
    if not parts:
        raise UserError("no runs to merge; name the run folders of the parts")
    place = out.path.resolve()
    for part in parts:
        path = part.path.resolve()
        is_part = path == place and (part.read_plan().get("shard") or len(parts) == 1)
        if is_part or (path != place and place.is_relative_to(path)):
            raise UserError(f"--out {out.path} is, or lies in, the part {part.path}; give a folder of its own")


def _read(folder: RunFolder) -> Part:
    plan = folder.read_plan()
    if not plan.get("fits"):
        raise UserError(f"{folder.path} holds no plan.json with fits; run its suite again to rebuild it")
    records, planned = folder.read_records()[0], {fit["fit"] for fit in plan["fits"]}
    check_comparable(plan, {fit: record for fit, record in records.items() if fit in planned})
    return Part(
        folder=folder,
        suite=to_suite(folder.read_suite()),
        plan=plan,
        provenance=folder.read_json("provenance.json"),
        audit=folder.read_json("audit.json"),
        records=records,
    )


def _find_conflicts(parts: Sequence[Part]) -> Iterable[str]:
    """Yield what differs from the first part that says something of it."""
    first = parts[0]
    for part in parts[1:]:
        for key in COMMON_KEYS:
            one, other = getattr(first.suite, key), getattr(part.suite, key)
            if one != other:
                yield f"{part.name} has another {key} than {first.name}: {other!r}, not {one!r}"
    for what, pick in (
        ("content of the data set", lambda part: {n: d["digest"] for n, d in part.plan["datasets"].items()}),
        ("metric", lambda part: part.plan["metrics"]),
        ("split", _splits),
        ("settings of the model", lambda part: {name_of_model(one): one for one in part.suite.models}),
    ):
        yield from _differences(parts, what, pick)


def _differences(parts: Sequence[Part], what: str, pick: Callable[[Part], Mapping[Any, Any]]) -> Iterable[str]:
    known: dict[Any, tuple[Part, Any]] = {}
    for part in parts:
        for key, value in pick(part).items():
            holder, before = known.setdefault(key, (part, value))
            if before != value:
                yield f"{part.name} and {holder.name} differ in the {what} {_format_key(key)}"


def _format_key(key: Any) -> str:
    if isinstance(key, tuple):
        dataset, repeat, fold, train_fraction = key
        part = f" at {format_percent(train_fraction)}" if train_fraction < 1 else ""
        return f"of {dataset!r}, repeat {repeat + 1} fold {fold + 1}{part}"
    return repr(key)


def _splits(part: Part) -> dict[tuple[str, int, int, float], str]:
    return {(one.dataset, one.repeat, one.fold, one.train_fraction): one.split_digest for one in part.records.values()}


def _version_conflicts(parts: Sequence[Part]) -> Iterable[str]:
    first = parts[0]
    for part in parts[1:]:
        changed = changed_versions(first.provenance.get("versions", {}), part.provenance.get("versions", {}))
        if changed:
            yield (
                f"{part.name} ran under other versions than {first.name} ({', '.join(changed)}); allow it with "
                "--mixed-versions"
            )


def _keep_better(chosen: dict[str, tuple[Part, Record]], part: Part, fit: str, record: Record) -> list[str]:
    """Keep the better record of a fit: one that ended well, then one that says something of it, then the later."""
    if fit not in chosen:
        chosen[fit] = part, record
        return []
    holder, before = chosen[fit]
    if before.ok and record.ok:
        if (before.metrics, before.params) == (record.metrics, record.params):
            return []
        return [f"{part.name} and {holder.name} hold other scores of the same fit: {record.label}"]
    if _rank(record) >= _rank(before):
        chosen[fit] = part, record
    return []


def _rank(record: Record) -> int:
    return 2 if record.ok else int(record.status not in UNFINISHED)


def _join_plans(parts: Sequence[Part]) -> dict[str, Any]:
    datasets = {name: about for part in parts for name, about in part.plan["datasets"].items()}
    order = {name: place for place, name in enumerate(datasets)}
    fits = {fit["fit"]: fit for part in parts for fit in part.plan["fits"]}
    skips = {tuple(map(str, skip.values())): skip for part in parts for skip in part.plan["skips"]}
    return {
        "fits": sorted(fits.values(), key=lambda fit: (order[fit["dataset"]], fit.get("place", 0))),
        "skips": list(skips.values()),
        "datasets": datasets,
        "metrics": {name: metric for part in parts for name, metric in part.plan["metrics"].items()},
    }


def _write(out: RunFolder, parts: Sequence[Part], plan: dict[str, Any], chosen: Mapping[str, Any]) -> None:
    """Write the run, its records last: what is interrupted can be merged again."""
    first = parts[0]
    for part, record in chosen.values():
        for folder, key, ending in FIT_FILES:
            _copy(part.folder.path / folder / f"{getattr(record, key)}{ending}", out.path / folder)
    suites = [part.suite for part in parts]
    suite = first.suite.model_copy(
        update={
            "datasets": _join((one.datasets for one in suites), name_of_dataset),
            "models": _drop_covered_models(_join((one.models for one in suites), name_of_model)),
            "variants": _join((one.variants for one in suites), str),
            "learning_curve": tuple(sorted(_join((one.learning_curve for one in suites), format_percent))),
        }
    )
    own = first.provenance if first.folder.path.resolve() == out.path.resolve() else {}
    origin = [_origin(part) for part in parts if part.folder.path.resolve() != out.path.resolve()]
    known = {one["run"]: one for one in (*own.get("parts", ()), *origin)}
    begun = min(str(part.provenance.get("begun", "")) for part in parts)
    run = {"run": own.get("run", uuid.uuid4().hex), "begun": begun, "parts": list(known.values())}
    write_atomic(out.suite_file, dump_suite(suite))
    out.write_json("plan.json", plan)
    out.write_json("audit.json", {name: found for part in parts for name, found in part.audit.items()})
    out.write_json("provenance.json", first.provenance | run)
    out.write_records(record for _, record in chosen.values())


def _origin(part: Part) -> dict[str, Any]:
    known = part.provenance
    return {
        "run": known.get("run"),
        "folder": part.folder.path.name,
        "shard": part.plan.get("shard"),
        "engine": known.get("engine"),
        "git_commit": known.get("git_commit"),
        "hardware": known.get("hardware", {}),
    }


def _join(entries: Iterable[Sequence[EntryT]], name: Callable[[EntryT], str]) -> tuple[EntryT, ...]:
    return tuple({name(entry): entry for part in entries for entry in part}.values())


def _drop_covered_models(models: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave names out that a family in the same list stands for already."""
    families = [entry for entry in models if _is_one_of(entry, {*FAMILIES})]
    if "all" in families:
        families = ["all"]
    meant = {spec.name for family in families for spec in specs_of_family(str(family))}
    return (*families, *(entry for entry in models if not _is_one_of(entry, {*FAMILIES} | meant)))


def _is_one_of(entry: Any, names: set[str]) -> bool:
    return isinstance(entry, str) and entry in names


def _copy(path: Path, folder: Path) -> None:
    if path.is_file() and path.parent.resolve() != folder.resolve():
        part = folder / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.replace(folder / path.name)


def _notes(parts: Sequence[Part]) -> Iterable[str]:
    """Yield what is missing, and why costs may not be comparable."""
    shards = {str(part.plan["shard"]) for part in parts if part.plan.get("shard")}
    for count in sorted({int(shard.partition("/")[2]) for shard in shards}):
        missing = [f"{number}/{count}" for number in range(1, count + 1) if f"{number}/{count}" not in shards]
        if missing:
            yield f"not among the parts: shard {', '.join(missing)}"
    cpus = sorted({str(part.provenance.get("hardware", {}).get("cpu", "unknown")) for part in parts})
    if len(cpus) > 1:
        yield f"the parts ran on different CPUs ({'; '.join(cpus)}): seconds are not comparable between them"
