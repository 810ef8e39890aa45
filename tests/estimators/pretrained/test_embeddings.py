"""Images and texts by pretrained nets with random weights: frozen, never downloaded, the same in any company."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained import needs, write_text_encoder, write_vision_net
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bakeoff.errors import UserError
from bakeoff.estimators.models.preprocessors import build_preprocessor
from bakeoff.estimators.pretrained import images as image_module
from bakeoff.estimators.pretrained import rows as row_module
from bakeoff.estimators.pretrained.images import ImageEmbeddings
from bakeoff.estimators.pretrained.texts import TextEmbeddings
from bakeoff.estimators.specs.spec import BuildContext

SHAPE = (1, 8, 8)
TEXTS = np.array(["a good film", "bad", "quite a long text about a film", "good"], dtype=object)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder in which each net is written once."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture
def vision_net(weights: Path) -> Path:
    """Hand out the folder of a ResNet."""
    needs("transformers")
    folder = weights / "resnet"
    return folder if folder.is_dir() else write_vision_net(folder)


@pytest.fixture
def vision_transformer(weights: Path) -> Path:
    """Hand out the folder of a vision transformer, saved with a head for classes and without a pooler."""
    needs("transformers")
    folder = weights / "vit"
    return folder if folder.is_dir() else write_vision_net(folder, transformer=True)


@pytest.fixture
def encoder(weights: Path) -> Path:
    """Hand out the folder of a sentence encoder."""
    needs("sentence_transformers")
    folder = weights / "texts"
    return folder / "encoder" if folder.is_dir() else write_text_encoder(folder)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """Let no test find what another computed, nor a folder of the machine's own."""
    row_module._vectors_of.cache_clear()
    monkeypatch.delenv("BAKEOFF_WEIGHTS", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def images(n: int = 6) -> np.ndarray:
    """Draw grey images, flattened."""
    return np.random.default_rng(0).integers(0, 17, size=(n, 64)).astype("float32")


def test_images_become_the_mean_of_the_last_hidden_state(vision_net: Path) -> None:
    """The vectors are what transformers itself gives for the image: scaled to 0 to 1, resized, normalised, averaged."""
    from transformers import AutoModel

    X = images()
    found = ImageEmbeddings(weights=str(vision_net), input_shape=SHAPE).fit(X).transform(X)
    assert found.shape == (6, 16)
    assert found.dtype == np.float32
    pixels = torch.from_numpy(X).view(-1, 1, 8, 8).expand(-1, 3, -1, -1) / 16
    pixels = torch.nn.functional.interpolate(pixels, size=(224, 224), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.inference_mode():
        net = AutoModel.from_pretrained(vision_net).eval()
        expected = net(pixel_values=(pixels - mean) / std).pooler_output.flatten(1).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_transformers_are_averaged_over_positions(vision_transformer: Path) -> None:
    """A vision transformer without a pooler gives one value for each dimension, by its own side, the same each time."""
    X = images()
    found = ImageEmbeddings(weights=str(vision_transformer), input_shape=SHAPE).fit(X).transform(X)
    assert found.shape == (6, 16)
    assert image_module._load_net(vision_transformer, "cpu").side == 32
    image_module._load_net.cache_clear()
    row_module._vectors_of.cache_clear()
    again = ImageEmbeddings(weights=str(vision_transformer), input_shape=SHAPE).fit(X).transform(X)
    np.testing.assert_array_equal(again, found)


def test_the_preparation_of_the_weights_is_kept(vision_net: Path, tmp_path: Path) -> None:
    """Side, mean and deviation are those that stand beside the weights, in any form of a size."""
    for size in (64, {"height": 64, "width": 64}, {"shortest_edge": 64}):
        (vision_net / "preprocessor_config.json").write_text(
            json.dumps({"size": size, "image_mean": [0.5] * 3, "image_std": [0.25] * 3})
        )
        image_module._load_net.cache_clear()
        net = image_module._load_net(vision_net, "cpu")
        assert net.side == 64
        assert (net.mean == 0.5).all()
        assert (net.std == 0.25).all()
    (vision_net / "preprocessor_config.json").unlink()
    image_module._load_net.cache_clear()


def test_incomplete_weights_are_refused(vision_net: Path, tmp_path: Path) -> None:
    """Weights that lack a part of the net are an error: that part would be random."""
    from safetensors.torch import load_file, save_file

    state = load_file(vision_net / "model.safetensors")
    name = next(name for name in state if name.endswith("convolution.weight"))
    save_file({key: value for key, value in state.items() if key != name}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((vision_net / "config.json").read_text())
    fitted = ImageEmbeddings(weights=str(tmp_path), input_shape=SHAPE).fit(images())
    with pytest.raises(ValueError, match=f"lack {name}; that part would be random"):
        fitted.transform(images())


def test_the_range_is_learned_from_training_rows_alone(vision_net: Path) -> None:
    """A brighter test row changes neither the range nor what other rows become."""
    X = images()
    fitted = ImageEmbeddings(weights=str(vision_net), input_shape=SHAPE).fit(X)
    assert (fitted.low_, fitted.high_) == (0, 16)
    bright = np.concatenate([X[:1], X[:1] * 10])
    np.testing.assert_array_equal(fitted.transform(bright)[0], fitted.transform(X)[0])


@pytest.mark.parametrize("shape", [None, (2, 4, 8)])
def test_images_have_one_channel_or_three(shape: Any) -> None:
    """Series and other numbers of channels are refused before any weights are looked for."""
    with pytest.raises(ValueError, match="image-embeddings takes images of 1 or 3 channels"):
        ImageEmbeddings(weights="nowhere", input_shape=shape).fit(images())


def test_texts_become_what_the_encoder_gives(encoder: Path) -> None:
    """The vectors are those of sentence-transformers, one for each text."""
    from sentence_transformers import SentenceTransformer

    found = TextEmbeddings(weights=str(encoder)).fit(TEXTS).transform(TEXTS)
    assert found.shape == (4, 16)
    assert found.dtype == np.float32
    expected = SentenceTransformer(str(encoder), device="cpu").encode(list(TEXTS), show_progress_bar=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(ValueError, match="takes one text a row"):
        TextEmbeddings(weights=str(encoder)).fit(TEXTS).transform(TEXTS.reshape(2, 2))


def test_a_row_is_the_same_in_any_company(encoder: Path, vision_net: Path) -> None:
    """To the last bit: alone, among others, in another order, after a pickle, kept or computed anew."""
    pixels = images()
    for embeddings, X in (
        (TextEmbeddings(weights=str(encoder)), TEXTS),
        (ImageEmbeddings(weights=str(vision_net), input_shape=SHAPE), pixels),
    ):
        fitted = embeddings.fit(X)
        found = fitted.transform(X)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(X[::-1]), found[::-1])
        for row in range(len(X)):
            row_module._vectors_of.cache_clear()
            np.testing.assert_array_equal(fitted.transform(X[[row]])[0], found[row])


def test_each_row_goes_through_once(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds and trials that ask for the same rows again get what was computed; other weights compute anew."""
    seen: list[str] = []
    embed = TextEmbeddings._embed
    monkeypatch.setattr(TextEmbeddings, "_embed", lambda self, rows: seen.extend(rows) or embed(self, rows))
    fitted = TextEmbeddings(weights=str(encoder)).fit(TEXTS)
    fitted.transform(np.concatenate([TEXTS, TEXTS[:2]]))
    TextEmbeddings(weights=str(encoder)).fit(TEXTS[:2]).transform(TEXTS[1:])
    assert seen == list(TEXTS)
    fitted.digest_ = "of other weights"
    fitted.transform(TEXTS[:1])
    assert seen == [*TEXTS, TEXTS[0]]


@pytest.mark.parametrize(("name", "kind"), [("text-embeddings", "text"), ("image-embeddings", "image")])
def test_before_a_classical_model(
    name: str, kind: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NAME:WEIGHTS` names path or folder, `NAME` alone a folder in BAKEOFF_WEIGHTS; a linear model learns from it."""
    folder = request.getfixturevalue("encoder" if kind == "text" else "vision_net")
    X = np.resize(TEXTS, 40) if kind == "text" else images(40)
    y = np.resize([0, 1, 0, 1], 40)
    if kind == "image":
        X[y == 1, :32] = 16
    context = BuildContext(task="binary", kind=kind, input_shape=SHAPE if kind == "image" else None)
    model = make_pipeline(build_preprocessor(f"{name}:{folder}", context), LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.9
    (folder.parent / name).symlink_to(folder)
    monkeypatch.setenv("BAKEOFF_WEIGHTS", str(folder.parent))
    by_name = make_pipeline(build_preprocessor(name, context), LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(by_name.predict_proba(X), model.predict_proba(X))
    (folder.parent / name).unlink()


@pytest.mark.parametrize("name", ["text-embeddings", "image-embeddings"])
def test_nothing_is_downloaded(name: str) -> None:
    """Without weights `fit` says in one line what to do, installed or not."""
    context = BuildContext(task="binary", input_shape=SHAPE)
    for weights, folder in (("", name), (":sentence-transformers/absent", "sentence-transformers/absent")):
        with pytest.raises(UserError, match=f"{name} has no weights: no folder '{folder}' with a") as caught:
            build_preprocessor(name + weights, context).fit(TEXTS if name == "text-embeddings" else images())
        assert "\n" not in str(caught.value)


def test_only_pretrained_ones_name_weights() -> None:
    """A plain preprocessor with weights is unknown, and the error lists the pretrained ones, too."""
    with pytest.raises(UserError, match="no preprocessor 'one-hot:x'"):
        build_preprocessor("one-hot:x")
    with pytest.raises(UserError, match="did you mean 'text-embeddings'"):
        build_preprocessor("text-embedding")
