"""A suite on Ray: any `concurrent.futures.Executor` that carries calls to machines that see the run folder will do."""

from concurrent.futures import Executor, Future
from typing import Any

from bakeoff import run_suite

try:
    import ray
except ImportError:
    print("this example needs Ray: pip install ray")
    raise SystemExit from None

SLOTS = 2


@ray.remote
def call(fn: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function; a task of Ray."""
    return fn(*args, **kwargs)


class RayExecutor(Executor):
    """Ships each call as a task that claims one CPU; a worker that dies is Bakeoff's to count, not Ray's to retry."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Return the future of a call."""
        return call.options(num_cpus=1, max_retries=0).remote(fn, *args, **kwargs).future()


if __name__ == "__main__":
    ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False)
    try:
        print(run_suite("smoke", executor=RayExecutor(), workers=SLOTS, tracking=False))
    finally:
        ray.shutdown()
