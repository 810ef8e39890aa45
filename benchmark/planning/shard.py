"""Shards: the fits of a plan divided by their keys, for job arrays that need no engine between machines."""

import re
from dataclasses import dataclass, replace

from bakeoff.errors import UserError
from bakeoff.planning.plan import Plan
from bakeoff.protocol.job import Job


@dataclass(frozen=True)
class Shard:
    """The `number`-th of `count` parts of a plan, from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        """Return it as the command line takes it."""
        return f"{self.number}/{self.count}"

    @property
    def suffix(self) -> str:
        """What the run folder of this part is called beside the suite's name."""
        return f"-shard-{self.number}-of-{self.count}"


def parse_shard(text: str) -> Shard:
    """Read `2/8`.

    Raises
    ------
    UserError
        If it is no such thing.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise UserError(f"--shard takes K/N, the K-th of N parts with K from 1 to N, such as 2/8; got {text!r}")
    return Shard(int(found[1]), int(found[2]))


def take_shard(plan: Plan, shard: Shard) -> Plan:
    """Return a plan of which only the fits of a shard are run; to which one a fit belongs depends on its key alone.

    A tuned fit and the ensemble of its trials fall into the same one, by the key of their study. The other fits stay
    planned: a table never ranks models by whichever folds fell into one shard.

    Raises
    ------
    UserError
        If no fit belongs to it.
    """
    mine = tuple(job for job in plan.jobs if int(_key(job), 16) % shard.count == shard.number - 1)
    if not mine:
        raise UserError(f"none of the {len(plan.jobs)} fits falls into shard {shard}; divide them into fewer shards")
    return replace(plan, shard_jobs=mine, shard=str(shard))


def _key(job: Job) -> str:
    return job.keys.fit if job.variant == "default" else job.keys.study
