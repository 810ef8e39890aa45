"""Networks that answer as one: outputs whose link is the mean of the members' links."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.estimators.layers.averaging import AveragedNetworks, Link, average_outputs

LINKS = {"softmax": lambda x: x.softmax(-1), "sigmoid": torch.sigmoid, "identity": lambda x: x}


def draw(*shape: int) -> Tensor:
    """Draw outputs, some of them extreme."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 20


@pytest.mark.parametrize("link", LINKS)
def test_link_of_the_average_is_the_average_of_links(link: Link) -> None:
    """Probabilities or numbers are averaged, not logits."""
    outputs = draw(3, 5, 4)
    averaged = LINKS[link](average_outputs(outputs, 0, link))
    torch.testing.assert_close(averaged, LINKS[link](outputs).mean(0))


@pytest.mark.parametrize("link", LINKS)
def test_one_member_is_itself(link: Link) -> None:
    """The average of one gives its own probabilities, however sure it is."""
    outputs = draw(1, 5, 4) * 30
    torch.testing.assert_close(LINKS[link](average_outputs(outputs, 0, link)), LINKS[link](outputs[0]))


def test_networks_are_averaged() -> None:
    """A module of several gives their average for plain rows."""
    members = [nn.Linear(2, 3, dtype=torch.float64) for _ in range(2)]
    rows = draw(4, 2)
    whole = AveragedNetworks(members, "softmax")
    expected = torch.stack([member(rows).softmax(-1) for member in members]).mean(0)
    torch.testing.assert_close(whole(rows).softmax(-1), expected)
