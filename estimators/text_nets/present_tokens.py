"""Texts of token ids without their padding: how far the longest reaches, and means over the words that are there."""

from torch import Tensor


def longest_text(rows: Tensor) -> int:
    """Return the number of steps behind which all rows of token ids (E, n, steps) are padding, at least one.

    On a GPU it is that of all steps: to look would be to wait for it.
    """
    if rows.device.type != "cpu":
        return rows.shape[2]
    places = (rows != 0).flatten(0, 1).any(0).nonzero()
    return int(places[-1]) + 1 if len(places) else 1


def mean_of_present(tokens: Tensor, present: Tensor) -> Tensor:
    """Return the mean (E, n, size) of the tokens (E, n, steps, size) that are present (E, n, steps); of none, zero."""
    counts = present.sum(2, keepdim=True).clamp(min=1)
    return (tokens * present[..., None]).sum(2) / counts
