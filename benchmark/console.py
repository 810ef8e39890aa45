"""What the command line prints to, with rich; imported late, so that `--help` stays quick."""

import os
import sys
from typing import Any


def build_console() -> Any:
    """Return a console of rich."""
    from rich.console import Console

    class Patient(Console):
        """Goes on silently when the reader of a pipe leaves: a run is not over because nobody looks."""

        def on_broken_pipe(self) -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return Patient()


def print_all(*parts: Any) -> None:
    """Print texts, as they are and without wrapping, and whatever else rich can render."""
    console = build_console()
    for part in parts:
        console.print(part, highlight=False, markup=False, soft_wrap=isinstance(part, str))
