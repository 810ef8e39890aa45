"""What a user can mend: one exception, and the wording for unknown names.

The command line prints a `UserError` without a traceback and exits with 2. The message says what must hold, what was
found and what to do.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

from bakeoff.plain import clean_text

RESUME_HINT = "what is recorded is kept, and the same command goes on from there"


class UserError(Exception):
    """A mistake in a suite, a file, an option or the environment that its user can mend.

    Parameters
    ----------
    *problems : str
        One line each; several are reported at once.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def describe_error(error: BaseException) -> str:
    """Return type and message of an exception in one line."""
    try:
        text = clean_text(" ".join(str(error).split()))
    except Exception:  # a message may fail too
        text = ""
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def unknown_name(what: str, name: str, known: Iterable[str], *, listing: str | None = None) -> str:
    """Say that `name` is no known `what`, with close matches and the command that lists them all."""
    names = sorted(known)
    by_letters = {one.lower(): one for one in names}
    close = [by_letters[one] for one in _close_matches(name.lower(), by_letters)]
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(names)}."
    command = f" `bakeoff list {listing}` shows all." if listing else ""
    return f"there is no {what} {name!r}; {hint}{command}"


def _close_matches(name: str, known: Iterable[str]) -> list[str]:
    """List up to three names that are close, and none that is much farther off than the closest."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    ratios = [SequenceMatcher(None, one, name).ratio() for one in close]
    return [one for one, ratio in zip(close, ratios, strict=True) if ratio >= 0.8 * ratios[0]]
