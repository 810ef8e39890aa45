"""The convolutional estimators: architectures, errors, augmentation, and folds that train as one group."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

from bakeoff.estimators.layers.convolutional import GlobalPool, Parallel, Pool
from bakeoff.estimators.layers.layers import BatchNorm, Convolution, Dropout, Linear
from bakeoff.estimators.layers.networks import Network, stack
from bakeoff.estimators.nets.cnn import CNNClassifier, CNNRegressor
from bakeoff.estimators.nets.trainable import begin_training, train_nets
from bakeoff.estimators.training.replica_grouping import group_replicas

SMALL: dict[str, Any] = {"channels": (4, 6), "hidden_layer_sizes": (8,), "max_epochs": 2, "random_state": 0}
IMAGE: dict[str, Any] = {**SMALL, "input_shape": (1, 8, 8)}
TEXT: dict[str, Any] = {
    "vocabulary_size": "auto",
    "embedding_size": 5,
    "channels": (7,),
    "kernel_size": (2, 3, 4),
    "pooling": None,
    "global_pooling": "max",
    "hidden_layer_sizes": (),
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small nets are fastest on one thread, and bits depend on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def digits(n_rows: int = 120) -> tuple[Any, Any]:
    """Images of 8 x 8 pixels in [0, 1]."""
    X, y = load_digits(return_X_y=True)
    return X[:n_rows] / 16, y[:n_rows]


def texts(n_rows: int = 90, n_steps: int = 9) -> tuple[Any, Any]:
    """Rows of token ids from 2 to 29, padded at the end, whose class is whether the word 3 occurs."""
    rng = np.random.default_rng(0)
    X = rng.integers(4, 30, (n_rows, n_steps))
    X[np.arange(n_steps) >= rng.integers(4, n_steps + 1, n_rows)[:, None]] = 0
    y = np.arange(n_rows) % 2
    X[y == 1, 1] = 3
    return X, y


def convolutions(net: Any) -> list[Convolution]:
    """All convolutions of a fitted network."""
    return [layer for layer in net.module_.modules() if isinstance(layer, Convolution)]


def maps_of(net: Any, X: Any) -> torch.Tensor:
    """Return the maps (n, channels, ...) behind the last block of a fitted network."""
    body = net.module_.body
    with torch.inference_mode():
        maps: torch.Tensor = body.blocks(body.fold(torch.as_tensor(X, dtype=torch.float64)[None]))
    return maps


@pytest.mark.parametrize(
    ("params", "shape"),
    [
        ({"input_shape": (1, 8, 8)}, (6, 2, 2)),
        ({"input_shape": (2, 4, 8)}, (6, 1, 2)),
        ({"input_shape": (4, 16)}, (6, 4)),
        ({"input_shape": None}, (6, 16)),
        ({"pooling": "average"}, (6, 2, 2)),
        ({"pooling": None}, (6, 8, 8)),
        ({"pooling": ("max", None)}, (6, 4, 4)),
        ({"pool_size": 3}, (6, 1, 1)),
        ({"pool_size": 100}, (6, 1, 1)),
        ({"global_pooling": "max"}, (6,)),
        ({"global_pooling": "average"}, (6,)),
        ({"stride": 2, "pooling": None}, (6, 2, 2)),
        ({"stride": 3, "pooling": None, "residual": True}, (6, 1, 1)),
        ({"dilation": 2, "kernel_size": 4}, (6, 2, 2)),
        ({"padding": "valid", "pooling": None}, (6, 4, 4)),
        ({"padding": "valid", "pooling": None, "channels": (6,), "dilation": 3}, (6, 2, 2)),
        ({"kernel_size": (1, 2, 5)}, (6, 2, 2)),
        ({"block_depth": 3, "residual": True, "batch_norm": True}, (6, 2, 2)),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
def test_maps_have_the_shape_that_the_parameters_say(
    kind: type, params: dict[str, Any], shape: tuple[int, ...]
) -> None:
    """Each way to convolve and to pool leads to maps of the expected shape, and to finite predictions."""
    X, y = digits(40)
    net = kind(**{**IMAGE, **params}).fit(X, y)
    assert maps_of(net, X).shape == (40, *shape)
    assert net.predict(X).shape == (40,)
    assert np.isfinite(net.predict_proba(X) if kind is CNNClassifier else net.predict(X)).all()


def test_text_nets_embed_token_ids() -> None:
    """A net over token ids, several widths in parallel, learns which word decides; padding's vector stays zero."""
    X, y = texts()
    net = CNNClassifier(**TEXT, learning_rate=0.02, max_epochs=40).fit(X, y)
    assert net.n_tokens_ == X.max() + 1
    assert net.score(X, y) == 1
    assert maps_of(net, X).shape == (len(X), 7)
    assert not net.module_.body.fold.embedding.weight[:, 0].any()


def test_kernel_sizes_share_the_channels() -> None:
    """Channels are split among parallel kernels as evenly as can be, the first ones getting the rest."""
    net = CNNClassifier(**{**IMAGE, "channels": (8,), "kernel_size": (1, 3, 5)}).fit(*digits(20))
    assert [tuple(layer.weight.shape[1:]) for layer in convolutions(net)] == [(3, 1, 1, 1), (3, 1, 3, 3), (2, 1, 5, 5)]


@pytest.mark.parametrize(
    ("params", "n_convolutions"),
    [
        ({}, 2),
        ({"block_depth": 3}, 6),
        ({"residual": True}, 4),
        ({"residual": True, "channels": (1, 1)}, 2),
        ({"residual": True, "channels": (1, 1), "stride": 2}, 4),
    ],
    ids=str,
)
def test_shortcuts_are_projected_only_where_shapes_differ(params: dict[str, Any], n_convolutions: int) -> None:
    """A residual block has a convolution of width one more where channels or sides change, and only there."""
    net = CNNClassifier(**{**IMAGE, **params}).fit(*digits(20))
    assert len(convolutions(net)) == n_convolutions


def test_residual_blocks_add_their_input() -> None:
    """With all its weights at zero a residual block passes on the positive part of what it gets, pooled."""
    X, y = digits(20)
    net = CNNClassifier(**{**IMAGE, "channels": (1,), "residual": True, "dtype": "float64"}).fit(X, y)
    with torch.no_grad():
        for weight in net.module_.body.blocks.parameters():
            weight.zero_()
    expected = X.reshape(-1, 1, 4, 2, 4, 2).max((3, 5))
    np.testing.assert_array_equal(maps_of(net, X).numpy(), expected)


def test_known_kernel() -> None:
    """A kernel set by hand gives the differences it stands for, with zeros beyond the rim, rectified and pooled."""
    X = np.array([[1.0, 3.0, 2.0, 5.0, 5.0, 9.0]])
    params = {"channels": (1,), "hidden_layer_sizes": (), "kernel_size": 3, "max_epochs": 1}
    net = CNNRegressor(**params).fit(np.vstack([X, -X]), [0.0, 1.0])
    with torch.no_grad():
        convolutions(net)[0].weight.copy_(torch.tensor([[[[-1.0, 0.0, 1.0]]]]))
        convolutions(net)[0].bias.zero_()
    # Differences of neighbours two apart: 3, 1, 2, 3, 4, -5.
    np.testing.assert_array_equal(maps_of(net, X).numpy(), [[[3.0, 3.0, 4.0]]])


def test_pools_take_the_maximum_or_the_average() -> None:
    """Windows do not overlap, a rest that fills none is left out, and a short side is one window."""
    maps = torch.tensor([[[[1.0, 5.0, 3.0, 9.0, 102.0]]]])
    assert Pool("max", 2)(maps).tolist() == [[[[5.0, 9.0]]]]
    assert Pool("average", 2)(maps).tolist() == [[[[3.0, 6.0]]]]
    assert Pool("average", 2)(maps[..., 0, :]).tolist() == [[[3.0, 6.0]]]
    assert Pool("max", 9)(maps).tolist() == [[[[102.0]]]]
    assert GlobalPool("max")(maps).tolist() == [[102.0]]
    assert GlobalPool("average")(maps).tolist() == [[24.0]]


@pytest.mark.parametrize("sizes", [(), (8,), (8, 5)])
def test_dropout_follows_dense_layers(sizes: tuple[int, ...]) -> None:
    """Dropout stands after each dense layer, and before the head where there is none."""
    net = CNNClassifier(**{**IMAGE, "hidden_layer_sizes": sizes, "dropout": 0.5}).fit(*digits(20))
    kinds = [type(layer) for layer in net.module_.body.head if not isinstance(layer, torch.nn.ReLU)]
    assert kinds == [*([Linear, Dropout] * len(sizes) or [Dropout]), Linear]


@pytest.mark.parametrize("batch_norm", [True, False])
def test_batch_norm_follows_all_layers_but_the_head(batch_norm: bool) -> None:
    """With it every convolution, shortcut and dense layer is normalised, and has no bias of its own."""
    net = CNNClassifier(**IMAGE, residual=True, batch_norm=batch_norm).fit(*digits(20))
    layers = [layer for layer in net.module_.modules() if isinstance(layer, Convolution | Linear)]
    norms = [layer for layer in net.module_.modules() if isinstance(layer, BatchNorm)]
    assert [layer.bias is None for layer in layers] == [batch_norm] * 5 + [False]
    assert len(norms) == (5 if batch_norm else 0)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
def test_parallel_convolutions_keep_replicas_apart(stride: int, dilation: int) -> None:
    """Stacked parallel kernels, one of them even, give each replica what torch's own convolutions give it alone."""
    generator = torch.Generator().manual_seed(0)
    options: dict[str, Any] = {"stride": stride, "dilation": dilation}
    alone = [
        Network(Parallel([Convolution(2, width, (width,), generator, **options) for width in (3, 2)])) for _ in range(2)
    ]
    maps = torch.randn(4, 2, 2, 11, generator=generator)
    outputs = stack(alone)(maps.flatten(1, 2)).unflatten(1, (2, 5))
    for number, network in enumerate(alone):
        torch.testing.assert_close(outputs[:, number], network(maps[:, number]))
        for begin, layer in zip((0, 3), network.body.branches, strict=True):
            width = layer.weight.shape[-1]
            padded = torch.nn.functional.pad(maps[:, number], (dilation * (width - 1) // 2, dilation * width // 2))
            expected = torch.conv1d(padded, layer.weight[0], layer.bias[0], stride, 0, dilation)
            torch.testing.assert_close(outputs[:, number, begin : begin + width], expected[..., : outputs.shape[-1]])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"input_shape": (8,)}, "'input_shape' parameter of CNNClassifier must be None, .channels, length. or"),
        ({"input_shape": (1, 8, 9)}, "holds 72, but X has 64 features"),
        ({"vocabulary_size": 1}, "'vocabulary_size' parameter of CNNClassifier must be None, 'auto' or an int"),
        ({"embedding_size": 0}, "'embedding_size' parameter of CNNClassifier must be an int"),
        ({"channels": ()}, "'channels' parameter of CNNClassifier must be a tuple of at least one int"),
        ({"kernel_size": (3, 0)}, "'kernel_size' parameter of CNNClassifier must be an int or a tuple of ints"),
        ({"kernel_size": ()}, "'kernel_size' parameter of CNNClassifier must be an int or a tuple of ints"),
        ({"block_depth": 0}, "'block_depth' parameter"),
        ({"stride": 0}, "'stride' parameter"),
        ({"dilation": 1.5}, "'dilation' parameter"),
        ({"padding": 1}, "'padding' parameter of CNNClassifier must be a str among {'same', 'valid'}. Got 1 instead"),
        ({"pooling": "min"}, "'pooling' parameter of CNNClassifier must be None, one of"),
        ({"pooling": ("max", "min")}, "'pooling' parameter of CNNClassifier must be None, one of"),
        ({"pooling": ("max",) * 3}, "must have an entry for each of the 2 blocks"),
        ({"pool_size": 0}, "'pool_size' parameter"),
        ({"global_pooling": "min"}, "'global_pooling' parameter"),
        ({"residual": 1}, "'residual' parameter of CNNClassifier must be a bool"),
        ({"hidden_layer_sizes": 5}, "'hidden_layer_sizes' parameter"),
        ({"activation": "swish"}, "'activation' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"batch_norm": None}, "'batch_norm' parameter"),
        ({"augment_shift": -1.0}, "'augment_shift' parameter"),
        ({"augment_rotation": np.inf}, "'augment_rotation' parameter"),
        ({"augment_elastic": "2"}, "'augment_elastic' parameter"),
        ({"augment_flip": 2}, "'augment_flip' parameter of CNNClassifier must be a bool"),
        ({"vocabulary_size": 20}, "'input_shape' parameter of CNNClassifier must be None with a vocabulary_size"),
        ({"input_shape": (1, 64), "augment_shift": 1.0}, "must be 0 unless input_shape is .channels, height, width."),
        ({"input_shape": (1, 64), "augment_flip": True}, "must be 0 unless input_shape is .channels, height, width."),
        ({"padding": "valid", "kernel_size": (3, 4)}, "must be 'same' with several kernel sizes"),
        ({"padding": "valid", "residual": True}, "must be 'same' with residual=True"),
        ({"kernel_size": (1, 2, 3, 4, 5)}, "'channels' parameter of CNNClassifier must have a channel for each kernel"),
        ({"batch_norm": True, "batch_size": 1}, "'batch_size' parameter of CNNClassifier must be 2 or more"),
        ({"padding": "valid", "kernel_size": 5}, r"input_shape=\(1, 8, 8\), block 2 of 2 gets sides \(2, 2\).*size=5"),
        ({"padding": "valid", "block_depth": 4}, "block 1 of 2 gets sides .8, 8.*4 x kernel_size=3 at dilation=1"),
    ],
    ids=str,
)
def test_wrong_parameters_are_named(params: dict[str, Any], words: str) -> None:
    """A parameter that cannot be used, by itself or beside the others, is an error that says what must hold."""
    with pytest.raises(ValueError, match=words):
        CNNClassifier(**{**IMAGE, **params}).fit(*digits(20))


def test_all_problems_are_reported_at_once() -> None:
    """Several wrong parameters, or several contradictions, stand in one error."""
    with pytest.raises(ValueError, match=r"(?s)'stride'.*'pool_size'.*'dropout'"):
        CNNClassifier(stride=0, pool_size=0, dropout=2.0).fit(*digits(20))
    with pytest.raises(ValueError, match=r"(?s)augment_.*several kernel sizes.*residual=True"):
        CNNClassifier(augment_shift=1, padding="valid", kernel_size=(2, 3), residual=True).fit(*digits(20))


@pytest.mark.parametrize("wrong", [-1.0, 2.5, 30.0])
def test_ids_outside_the_vocabulary_are_named(wrong: float) -> None:
    """A number that is no token id is an error in fit and in predict that names it and its row."""
    X, y = texts()
    X = X.astype(float)
    X[0, 0] = 29
    net = CNNClassifier(**{**TEXT, "vocabulary_size": 30}, max_epochs=1).fit(X, y)
    X[7, 2] = wrong
    for act in (net.predict, lambda X: clone(net).fit(X, y)):
        with pytest.raises(ValueError, match=f"Got {wrong:g} in row 7"):
            act(X)


def test_automatic_vocabulary_reads_larger_ids_as_unknown() -> None:
    """With "auto" an id beyond those of fit counts as the unknown word; what is no id at all stays an error."""
    X, y = texts()
    net = CNNClassifier(**{**TEXT, "vocabulary_size": "auto"}, max_epochs=1).fit(X, y)
    beyond, unknown = X.copy(), X.copy()
    beyond[0, 0], unknown[0, 0] = X.max() + 1, 1
    np.testing.assert_array_equal(net.predict_proba(beyond), net.predict_proba(unknown))
    with pytest.raises(ValueError, match="Got -1 in row 0"):
        net.predict(-np.ones_like(X))


AUGMENTED = {"augment_shift": 1.0, "augment_rotation": 15.0, "augment_elastic": 0.5}


def test_augmentation_changes_training_and_nothing_else() -> None:
    """It moves images in fit, by the seed alone; a fitted net gives the same outputs however often it is asked."""
    X, y = digits()
    plain = CNNClassifier(**IMAGE).fit(X, y)
    one, other = (CNNClassifier(**IMAGE, **AUGMENTED).fit(X, y) for _ in range(2))
    outputs = one.predict_proba(X)
    np.testing.assert_array_equal(outputs, other.predict_proba(X))
    np.testing.assert_array_equal(outputs, one.predict_proba(X))
    np.testing.assert_array_equal(outputs, one.set_params(augment_shift=5.0).predict_proba(X))
    assert abs(outputs - plain.predict_proba(X)).max() > 1e-6


def test_augmentation_leaves_validation_rows_alone() -> None:
    """The validation loss of an epoch is the loss of the images as they are."""
    X, y = digits()
    params = {**IMAGE, **AUGMENTED, "max_epochs": 1}
    net = CNNClassifier(**params).fit(X, y, validation_rows=np.arange(30))
    logs = net.predict_log_proba(X[:30])[np.arange(30), y[:30]]
    np.testing.assert_allclose(net.validation_loss_curve_, -logs.mean(), rtol=1e-9)


def uneven_folds(n_rows: int) -> list[Any]:
    """Row numbers of four folds of different sizes, in as many batches of 16."""
    order = np.random.default_rng(0).permutation(n_rows)
    return [np.sort(np.roll(order, -20 * fold)[: n_rows - cut]) for fold, cut in enumerate((38, 37, 35, 32))]


def fit_together(net: Any, X: Any, y: Any, folds: list[Any]) -> list[Any]:
    """Fit a clone on each fold, all of them as one group."""
    nets = [clone(net) for _ in folds]
    replicas = [begin_training(one, X[rows], y[rows])[0] for one, rows in zip(nets, folds, strict=True)]
    assert len(group_replicas(replicas)) == 1
    train_nets(nets, replicas)
    return nets


FOLDED = {**IMAGE, "max_epochs": 5, "batch_size": 16, "learning_rate": 0.005, "channels": (4, 5)}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"batch_norm": True, "dropout": 0.3},
        {"early_stopping": True, "n_iter_no_change": 2, "max_epochs": 20},
        AUGMENTED,
        {"augment_flip": True},
        {"residual": True, "block_depth": 2, "batch_norm": True, "stride": 2},
        {"kernel_size": (1, 2, 3), "dilation": 2, "global_pooling": "max"},
        {"padding": "valid", "pooling": "average", "hidden_layer_sizes": (), "dropout": 0.2},
        {"input_shape": (2, 32), "kernel_size": 4, "global_pooling": "average"},
    ],
    ids=str,
)
def test_folds_together_equal_folds_alone(params: dict[str, Any]) -> None:
    """A net trained beside those of other folds, of other sizes, is the net that its fold gives alone."""
    X, y = digits(120)
    net = CNNClassifier(**{**FOLDED, **params})
    folds = uneven_folds(120)
    for one, rows in zip(fit_together(net, X, y, folds), folds, strict=True):
        alone = clone(net).fit(X[rows], y[rows])
        assert one.n_iter_ == alone.n_iter_
        np.testing.assert_allclose(one.loss_curve_, alone.loss_curve_, atol=1e-8)
        np.testing.assert_allclose(one.predict_proba(X), alone.predict_proba(X), atol=1e-8)


def test_folds_may_differ_in_their_vocabulary() -> None:
    """With vocabulary_size="auto" folds train together though each has its own number of tokens."""
    X, y = texts()
    folds = uneven_folds(90)
    for fold, rows in enumerate(folds):
        X[np.setdiff1d(np.arange(90), rows)[fold], 0] = 50 - fold
    net = CNNClassifier(**TEXT, dropout=0.5, batch_size=16, max_epochs=5, weight_decay=0.01, max_grad_norm=0.5)
    nets = fit_together(net, X, y, folds)
    assert len({one.n_tokens_ for one in nets}) > 1
    for one, rows in zip(nets, folds, strict=True):
        alone = clone(net).fit(X[rows], y[rows])
        np.testing.assert_allclose(one.predict_proba(X[rows]), alone.predict_proba(X[rows]), atol=1e-8)


def test_rows_of_other_shapes_do_not_train_together() -> None:
    """Where the weights fit several shapes, images of different sizes still go into different groups."""
    X, y = digits(40)
    params = {**IMAGE, "global_pooling": "average"}
    nets = [CNNRegressor(**{**params, "input_shape": shape}) for shape in ((1, 8, 8), (1, 4, 16))]
    replicas = [begin_training(net, X, y)[0] for net in nets]
    assert len(group_replicas(replicas)) == 2
    texts_of = [begin_training(CNNClassifier(**TEXT), *texts(n_steps=n_steps))[0] for n_steps in (9, 10)]
    assert len(group_replicas(texts_of)) == 2
