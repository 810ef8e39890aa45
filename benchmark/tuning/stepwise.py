"""A call that runs in a thread of its own from pause to pause, so that several can be driven in step by one caller.

Only one of them runs at a time: together they take no more cores than one.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _StoppedError(BaseException):
    """The caller has no use for the rest; no `except Exception` on the way holds it up."""


class StepwiseCall(Generic[T]):
    """A call that stops wherever it calls `pause`, and goes on when it is told to.

    Parameters
    ----------
    call : callable
        Takes `pause`, which hands a value over and waits; its result is the last value.
    """

    def __init__(self, call: Callable[[Callable[[Any], None]], T]) -> None:
        self._call = call
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._value: Any = None
        self._error: BaseException | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def advance(self) -> Any:
        """Let the call run up to its next pause, or to its end.

        Returns
        -------
        object
            What the pause hands over; at the end, what the call returns.

        Raises
        ------
        BaseException
            What the call raises.
        """
        self._go.release()
        self._paused.acquire()
        if self._error is not None:
            raise self._error
        return self._value

    def stop(self) -> None:
        """End the call where it stands; one that has ended is left alone."""
        self._stopped = True
        self._go.release()
        self._thread.join()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._stopped:
                self._value = self._call(self._pause)
        except BaseException as error:
            self._error = error
        self._paused.release()

    def _pause(self, value: Any) -> None:
        self._value = value
        self._paused.release()
        self._go.acquire()
        if self._stopped:
            raise _StoppedError
