"""What the command line prints to, with rich; imported late, so that `--help` stays quick."""

import os
import sys
from typing import Any


def build_console(*, stderr: bool = False) -> Any:
    """Return a console of rich, on standard output or on standard error."""
    from rich.console import Console

    class PipeSafeConsole(Console):
        """Goes on silently when the reader of a pipe leaves: a run is not over because nobody looks."""

        def on_broken_pipe(self) -> None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return PipeSafeConsole(stderr=stderr)


def print_all(*parts: Any, stderr: bool = False) -> None:
    """Print texts, as they are and without wrapping, and whatever else rich can render."""
    console = build_console(stderr=stderr)
    for part in parts:
        console.print(part, highlight=False, markup=False, soft_wrap=isinstance(part, str))


def print_json(value: Any) -> None:
    """Print plain values as JSON, and nothing else, for scripts."""
    import json

    from bakeoff.plain import to_jsonable

    print(json.dumps(to_jsonable(value), indent=2, ensure_ascii=False))
