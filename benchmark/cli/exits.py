"""How the command line ends: its exit codes, and Ctrl-C and SIGTERM, promptly and with the records kept."""

import os
import signal
import sys
import threading
from typing import NoReturn

from bakeoff.errors import RESUME_HINT

# All well; some fits failed, or came out otherwise; the user's mistake; interrupted, with the records kept.
OK, SOME_FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
EXIT_DELAY_S = 0.7


def exit_promptly() -> None:
    """From now on Ctrl-C and SIGTERM end this process within a second, whatever it waits for."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _interrupt)


def _interrupt(*_: object) -> None:
    """End within a second; at once when it comes again.

    Every record is on the disk the moment its fit ends, and the processes of fits end with this one.
    """
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: os._exit(INTERRUPTED))
    timer = threading.Timer(EXIT_DELAY_S, exit_interrupted)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def exit_interrupted() -> NoReturn:
    """Leave without waiting for threads and libraries."""
    cursor = "\x1b[?25h" if sys.stderr.isatty() else ""  # a live display hides it
    print(f"{cursor}\nbakeoff: interrupted; {RESUME_HINT}; `bakeoff report` shows it", file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)
