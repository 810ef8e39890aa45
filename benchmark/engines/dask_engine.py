"""Fits on a cluster of Dask: each worker's threads wait for the processes of their fits. Needs the extra `dask`."""

import json
import logging
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from bakeoff.engines.executor_pools import Engine, ExecutorPool
from bakeoff.engines.local_engine import NO_GPU
from bakeoff.engines.submission import inspect_pool
from bakeoff.engines.workers import check_workers, count_cores, default_workers, describe_workers
from bakeoff.errors import RESUME_HINT, UserError, describe_error
from bakeoff.records.provenance import changed_versions, collect_versions

CONNECT_TIMEOUT_S, POLL_INTERVAL_S, FIRST_NOTE_S, NOTE_EVERY_S = 30.0, 1.0, 5.0, 60.0
LOCAL = "local"
TOKEN = "token"  # noqa: S105 - a file by which a worker shows that it sees the run folder


@dataclass(frozen=True, kw_only=True)
class ClusterRequirements:
    """What a run asks of a cluster.

    Parameters
    ----------
    scratch : Path
        A folder that every worker must see.
    workers : int, optional
        Fits at once on a cluster of our own; others offer what they have.
    threads : int
        Of each fit.
    devices : set of str
    mixed_versions : bool
        Take workers with other versions of the libraries.
    note : callable
        Takes what a user wants to know while workers come and go.
    """

    scratch: Path
    workers: int | None
    threads: int
    devices: set[str]
    mixed_versions: bool
    note: Callable[[str], None]


@contextmanager
def dask_engine(where: str, requirements: ClusterRequirements) -> Iterator[Engine]:
    """Open an engine on a cluster of Dask.

    Parameters
    ----------
    where : str
        Address of a scheduler, path of its scheduler file, or `local` for a cluster on this machine.
    requirements : ClusterRequirements

    Raises
    ------
    UserError
        If Dask is not installed, no scheduler answers, or a worker can't do the work.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UserError("--dask needs Dask; install it with: pip install 'bakeoff[dask]'") from None
    _silence()
    if where != LOCAL:
        with _connect(where, distributed.Client, requirements.note) as client:
            cluster = _Cluster(client, requirements)
            cluster.wait_for_workers()
            yield _build_engine(cluster, f"the Dask cluster at {client.scheduler.address}")
        return
    if requirements.workers is not None:
        check_workers(requirements.workers, requirements.threads)
    slots = requirements.workers or default_workers(requirements.threads)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=slots, dashboard_address="127.0.0.1:0", memory_limit=0
        ) as own,
        distributed.Client(own, set_as_default=False) as client,
    ):
        yield _build_engine(
            _Cluster(client, requirements), f"a Dask cluster here, {describe_workers(slots, requirements.threads)}"
        )


def _silence() -> None:
    """Keep Dask's own words back: what matters is told in ours."""
    for name in ("", ".client", ".core", ".scheduler", ".worker", ".nanny"):
        logging.getLogger(f"distributed{name}").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=import_module("distributed.versions").VersionMismatchWarning)


def _connect(where: str, client: Any, note: Callable[[str], None]) -> Any:
    """Connect to a scheduler by its address, or by the file that it writes once it is up."""
    if where.startswith("tls://") and not import_module("dask").config.get("distributed.comm.tls.ca-file", None):
        raise UserError(
            "--dask: tls:// needs certificates; name them in Dask's settings distributed.comm.tls.ca-file, "
            "distributed.comm.tls.client.cert and distributed.comm.tls.client.key"
        )
    is_address = "://" in where or where.rpartition(":")[2].isdigit()
    address = where if is_address else _read_address(Path(where), note)
    try:
        return client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
    except Exception as error:  # each protocol raises its own
        raise UserError(
            f"--dask: no scheduler answers at {where!r} ({describe_error(error)}); start one with `dask scheduler`"
        ) from None


def _read_address(file: Path, note: Callable[[str], None]) -> str:
    """Read the address of a scheduler from its file; wait for one that is still being started."""
    if not file.is_file():
        note(f"waiting up to {CONNECT_TIMEOUT_S:g} s for the scheduler file {file}")
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["address"])
    except FileNotFoundError:
        raise UserError(
            f"--dask: {str(file)!r} is neither an address, such as tcp://10.0.0.1:8786, nor `local`, nor a scheduler "
            f"file that appeared within {CONNECT_TIMEOUT_S:g} s"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"--dask: {str(file)!r} is no scheduler file, which `dask scheduler --scheduler-file FILE` writes"
        ) from None


@dataclass(frozen=True)
class _WorkerInfo:
    """What a worker says of itself."""

    slots: int
    gpus: int
    cores: int
    versions: dict[str, str]
    token: str


def describe_worker(token_file: Path, dask_worker: Any) -> _WorkerInfo:
    """Describe the worker that this runs on."""
    return _WorkerInfo(
        slots=dask_worker.state.nthreads,
        gpus=int(dask_worker.state.total_resources.get("GPU", 0)),
        cores=count_cores(),
        versions=collect_versions(),
        token=token_file.read_text(encoding="ascii") if token_file.is_file() else "",
    )


@dataclass
class _Cluster:
    """The workers of a cluster, looked at again every second; each new one is checked before it gets a fit."""

    client: Any
    requirements: ClusterRequirements
    _known: dict[str, _WorkerInfo] = field(default_factory=dict)
    _present: list[_WorkerInfo] = field(default_factory=list)
    _polled_at: float = -NOTE_EVERY_S
    _token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self._token_file.write_text(self._token, encoding="ascii")

    @property
    def _token_file(self) -> Path:
        return self.requirements.scratch / TOKEN

    def cpu_slots(self) -> int:
        """Return how many fits run on CPUs at once."""
        reserved = self.gpu_slots() if "cuda" in self.requirements.devices else 0
        return max(0, sum(worker.slots for worker in self.workers()) - reserved)

    def gpu_slots(self) -> int:
        """Return how many fits run on GPUs at once: those that workers announce with `--resources GPU=1`."""
        return sum(worker.gpus for worker in self.workers())

    def workers(self) -> list[_WorkerInfo]:
        """Return the workers that are there."""
        if time.monotonic() - self._polled_at >= POLL_INTERVAL_S:
            addresses = list(self._call_scheduler(self.client.nthreads))
            new = [address for address in addresses if address not in self._known]
            if new:
                found = self._call_scheduler(
                    self.client.run, describe_worker, self._token_file, workers=new, on_error="return"
                )
                there = {address: worker for address, worker in found.items() if not isinstance(worker, OSError)}
                self._known |= {address: self._check(address, worker) for address, worker in there.items()}
            self._present = [self._known[address] for address in addresses if address in self._known]
            self._polled_at = time.monotonic()
        return self._present

    def wait_for_workers(self) -> None:
        """Wait for the first worker, as long as that takes: batch systems start them when they can."""
        noted_at = time.monotonic() - NOTE_EVERY_S + FIRST_NOTE_S
        while not self.workers():
            if time.monotonic() - noted_at > NOTE_EVERY_S:
                noted_at = time.monotonic()
                self.requirements.note(f"waiting for workers of {self.client.scheduler.address}; Ctrl-C stops")
            time.sleep(0.1)

    def _call_scheduler(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"the scheduler of the Dask cluster is gone ({describe_error(error)}); {RESUME_HINT}, on a new cluster"
            ) from None

    def _check(self, address: str, worker: _WorkerInfo | Exception) -> _WorkerInfo:
        """Refuse a worker that would give other results, or none."""
        if not isinstance(worker, _WorkerInfo):
            raise UserError(
                f"the worker {address} can't be used ({describe_error(worker)}); is bakeoff installed there, in the "
                "same version as here?"
            )
        threads = self.requirements.threads
        changed = changed_versions(collect_versions(), worker.versions)
        if worker.token != self._token:
            raise UserError(
                f"the worker {address} does not see {self.requirements.scratch}; all machines of a cluster need one "
                "folder that they share, given as --out"
            )
        if changed and not self.requirements.mixed_versions:
            raise UserError(
                f"the worker {address} has other versions than this machine ({', '.join(changed)}); install the same "
                "everywhere, or allow it with --mixed-versions"
            )
        if worker.slots * threads > max(worker.cores, threads):
            raise UserError(
                f"the worker {address} offers {worker.slots} slots x {threads} threads on {worker.cores} cores; start "
                f"it with --nthreads {max(1, worker.cores // threads)}"
            )
        return worker


def _build_engine(cluster: _Cluster, label: str) -> Engine:
    devices = cluster.requirements.devices
    if "cuda" in devices and not cluster.gpu_slots():
        raise UserError(
            "device: cuda needs workers that announce their GPU: start one for each, with CUDA_VISIBLE_DEVICES set and "
            "`--resources GPU=1`"
        )
    executors = {
        "cuda": (cluster.client.get_executor(pure=False, resources={"GPU": 1}), cluster.gpu_slots),
        "cpu": (cluster.client.get_executor(pure=False), cluster.cpu_slots),
    }
    pools = tuple(ExecutorPool(device, *executors[device]) for device in executors if device in devices)
    hardware = inspect_pool(pools[0], cluster.requirements.scratch)
    if "cuda" in devices and not hardware.get("gpus"):
        raise UserError(NO_GPU)
    return Engine(label=label, pools=pools, hardware=hardware)
