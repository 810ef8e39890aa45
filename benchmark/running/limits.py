"""What a suite lets each of its fits use."""

from bakeoff.isolation.outcome import ResourceLimits
from bakeoff.suites.suite import Suite


def limits_of(suite: Suite) -> ResourceLimits:
    """Return what a suite lets each of its fits use."""
    return ResourceLimits(seconds=suite.limits.seconds, memory=suite.limits.memory, threads=suite.threads)
