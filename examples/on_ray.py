"""A suite on Ray, and by this pattern on anything that carries pickled calls to machines that see the run folder."""

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
    """Call a function as a task of Ray."""
    return fn(*args, **kwargs)


class RayExecutor(Executor):
    """Makes each call a task that claims one CPU; a task whose worker dies is lost, and bakeoff runs its fit again."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Start a task; to cancel its future ends the worker, and with it the process of the fit."""
        task = call.options(num_cpus=1, max_retries=0).remote(fn, *args, **kwargs)
        future: Future[Any] = task.future()
        future.add_done_callback(lambda done: ray.cancel(task, force=True) if done.cancelled() else None)
        return future


if __name__ == "__main__":
    ray.init(num_cpus=SLOTS, include_dashboard=False, log_to_driver=False)  # address="auto" joins a cluster that runs
    try:
        print(run_suite("smoke", executor=RayExecutor(), workers=SLOTS, tracking=False))
    finally:
        ray.shutdown()
