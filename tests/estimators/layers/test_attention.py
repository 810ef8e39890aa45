"""Attention as torch has it, padded or not, tokens of columns, and the blocks' order of norms and shortcuts."""

from typing import Any

import pytest
import torch
from nets import seeded
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.estimators.layers.attention import Attention, AttentionBlock, ColumnTokens
from bakeoff.estimators.layers.layers import LayerNorm, Linear

NO_DROPOUT = (0.0, 0.0, 0.0)


def tokens_of(n_rows: int = 5, n_tokens: int = 4, size: int = 8) -> Tensor:
    """Draw tokens (1, n, tokens, size)."""
    return torch.randn(1, n_rows, n_tokens, size, generator=seeded())


@pytest.mark.parametrize("row_only", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@torch.no_grad()
def test_attention_is_torch_s(row_only: bool, padded: bool) -> None:
    """With the same weights `nn.MultiheadAttention` gives the same, of all tokens or of the first, padded or not."""
    ours, theirs, tokens = Attention(8, 2, 0.0, seeded(), row_only=row_only), nn.MultiheadAttention(8, 2), tokens_of()
    parts = [part.layer for part in (ours.queries, ours.keys, ours.contents)]
    theirs.in_proj_weight.copy_(torch.cat([part.weight[0].T for part in parts]))
    theirs.out_proj.weight.copy_(ours.mix.layer.weight[0].T)
    theirs.in_proj_bias.zero_()
    theirs.out_proj.bias.zero_()
    by_token = tokens[0].transpose(0, 1)
    present = torch.arange(4) < torch.tensor([4, 1, 2, 3, 4])[:, None] if padded else None
    absent = None if present is None else ~present
    expected, _ = theirs(by_token[:1] if row_only else by_token, by_token, by_token, key_padding_mask=absent)
    found = ours(tokens, None if present is None else present[None])
    torch.testing.assert_close(found[0], expected.transpose(0, 1))


def by_hand(layer: Any, values: Tensor) -> Tensor:
    """Compute a norm or an affine map of one replica."""
    if isinstance(layer, LayerNorm):
        return functional.layer_norm(values, values.shape[-1:]) * layer.weight[0, 0] + layer.bias[0, 0]
    assert isinstance(layer, Linear)
    assert layer.bias is not None
    return values @ layer.weight[0] + layer.bias[0, 0]


@pytest.mark.parametrize(("first", "last"), [(True, False), (False, False), (False, True)])
def test_blocks_have_norms_in_front(first: bool, last: bool) -> None:
    """But for the first attention; of the last block only the row's token goes on."""
    block = AttentionBlock(8, 2, 5, NO_DROPOUT, seeded(), first=first, last=last)
    tokens = tokens_of()
    normed = tokens if first else by_hand(block.norm.layer, tokens)  # type: ignore[union-attr]
    kept = (tokens[:, :, :1] if last else tokens) + block.attention(normed)
    norm, widen, _, _, narrow = (getattr(part, "layer", part) for part in block.feed_forward)
    plain, gate = by_hand(widen, by_hand(norm, kept)).chunk(2, dim=-1)
    torch.testing.assert_close(block(tokens), kept + by_hand(narrow, plain * gate.relu()))


def test_tokens_of_columns() -> None:
    """The row's own vector, vectors of categories, numbers times theirs; a bias for each column."""
    layer = ColumnTokens(3, [2], 4, seeded())
    rows = torch.tensor([[[2.0, 0.5, -1.0], [0.0, 2.0, 3.0]]])
    found = layer(rows)
    assert found.shape == (1, 2, 4, 4)
    torch.testing.assert_close(found[0, :, 0], layer.row[0, 0].expand(2, 4))
    assert layer.categories is not None
    known = layer.categories.weight[0, 1] + layer.bias[0, 0, 0]
    torch.testing.assert_close(found[0, :, 1], torch.stack([known, layer.bias[0, 0, 0]]))
    torch.testing.assert_close(found[0, :, 3], rows[0, :, 2:] * layer.weight[0, 1] + layer.bias[0, 0, 2])


def test_nothing_is_gathered_from_padding() -> None:
    """Whatever stands in tokens that are absent, the others do not change; a row of nothing but them stays finite."""
    block = AttentionBlock(8, 2, 5, NO_DROPOUT, seeded(), first=False, last=False)
    tokens, present = tokens_of(), torch.arange(4) < torch.tensor([4, 1, 2, 3, 0])[:, None]
    other = torch.where(present[..., None], tokens, 9.0)
    one, two = block(tokens, present[None]), block(other, present[None])
    torch.testing.assert_close(one[0][present], two[0][present])
    assert two.isfinite().all()
    assert not torch.allclose(one[0][present], block(tokens)[0][present])
