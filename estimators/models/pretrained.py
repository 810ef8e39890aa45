"""What of a model was pretrained, itself or its preprocessing: on what, with which weights, and why it can't be used.

Whoever measures a pretrained model should know that the data may have been among what it was trained on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bakeoff.errors import UserError
from bakeoff.estimators.pretrained.weights import digest_weights
from bakeoff.estimators.specs.spec import BuildContext, ModelChoice, ModelSpec
from bakeoff.tasks import Kind, Task

CAUTION = "a public data set may have been in its training"
DIGEST_SHORT = 12


@dataclass(frozen=True, kw_only=True)
class PretrainedPreprocessor:
    """Preprocessing by a pretrained net; `NAME:WEIGHTS` names its weights, too.

    Parameters
    ----------
    kind : str
        The kind of input that it takes.
    build : callable
        `(context, weights) -> transformer`.
    find_weights : callable
        weights as named, or None -> their path; raises a UserError where there are none.
    requires, extra : str
        The module that it needs, and the extra that installs it.
    pretrained : str
        What its nets are trained on.
    """

    kind: Kind
    build: Callable[[BuildContext, str | None], Any]
    find_weights: Callable[[str | None], Path]
    requires: str
    extra: str
    pretrained: str


@dataclass(frozen=True)
class PretrainedPart:
    """One pretrained part of a model, with what finds its weights."""

    name: str
    pretrained: str
    licence: str
    find_weights: Callable[[], Path]


def _build_image_embeddings(context: BuildContext, weights: str | None) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from bakeoff.estimators.pretrained.images import ImageEmbeddings

    embeddings = ImageEmbeddings(weights=weights, input_shape=context.input_shape, device=context.device)
    return make_pipeline(embeddings, StandardScaler())


def _find_image_weights(weights: str | None) -> Path:
    from bakeoff.estimators.pretrained.images import find_image_weights

    return find_image_weights(weights)


def _build_text_embeddings(context: BuildContext, weights: str | None) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from bakeoff.estimators.pretrained.texts import TextEmbeddings

    return make_pipeline(TextEmbeddings(weights=weights, device=context.device), StandardScaler())


def _find_text_weights(weights: str | None) -> Path:
    from bakeoff.estimators.pretrained.texts import find_text_weights

    return find_text_weights(weights)


PRETRAINED_PREPROCESSORS = {
    "image-embeddings": PretrainedPreprocessor(
        kind="image",
        build=_build_image_embeddings,
        find_weights=_find_image_weights,
        requires="transformers",
        extra="image-embeddings",
        pretrained="images, ImageNet's as a rule",
    ),
    "text-embeddings": PretrainedPreprocessor(
        kind="text",
        build=_build_text_embeddings,
        find_weights=_find_text_weights,
        requires="sentence_transformers",
        extra="text-embeddings",
        pretrained="texts of the public web",
    ),
}


def find_preprocessor(name: str) -> tuple[PretrainedPreprocessor | None, str | None]:
    """Return the pretrained preprocessor of `NAME` or `NAME:WEIGHTS`, if it is one, and the weights that are named."""
    base, _, weights = name.partition(":")
    return PRETRAINED_PREPROCESSORS.get(base), weights or None


def required_modules(choice: ModelChoice, kind: Kind) -> list[str]:
    """Return the modules that a model needs, and its preprocessing if that is pretrained."""
    preprocessor, _ = find_preprocessor(choice.spec.preprocessors[kind])
    return [choice.spec.requires, *([preprocessor.requires] if preprocessor else [])]


def why_not_pretrained(choice: ModelChoice, task: Task, kind: Kind) -> str | None:
    """Say why a pretrained part of a model can't be used: another kind of input, no package, no weights; or None."""
    name = choice.spec.preprocessors[kind]
    preprocessor, _ = find_preprocessor(name)
    if preprocessor and preprocessor.kind != kind:
        return f"{name} does not take {kind} data"
    if preprocessor and find_spec(preprocessor.requires) is None:
        return f"{preprocessor.requires} is not installed: pip install 'bakeoff[{preprocessor.extra}]'"
    try:
        for part in _pretrained_parts(choice, task, kind):
            part.find_weights()
    except UserError as error:
        return str(error)
    return None


def describe_pretrained(choice: ModelChoice, task: Task, kind: Kind) -> str:
    """Say on what a model was pretrained, by which weights and on what terms; "" for one that was not."""
    parts = [_describe_part(part) for part in _pretrained_parts(choice, task, kind)]
    return f"{'; '.join(parts)}: {CAUTION}" if parts else ""


def digests_of_weights(choice: ModelChoice, task: Task, kind: Kind) -> list[str]:
    """Return the digests of the weights of a model's pretrained parts; none for a model without."""
    return [digest_weights(part.find_weights()) for part in _pretrained_parts(choice, task, kind)]


def describe_spec(spec: ModelSpec) -> str:
    """Say on what a registered model was pretrained, and the licence of its weights; "" for one that was not."""
    return f"pretrained on {spec.pretrained} ({CAUTION}); weights' licence: {spec.licence}" if spec.pretrained else ""


def _describe_part(part: PretrainedPart) -> str:
    path = part.find_weights()
    licence = f", licence {part.licence}" if part.licence else ""
    digest = digest_weights(path)[:DIGEST_SHORT]
    return f"{part.name} is pretrained on {part.pretrained} (weights {path.name}, SHA-256 {digest}…{licence})"


def _pretrained_parts(choice: ModelChoice, task: Task, kind: Kind) -> Iterator[PretrainedPart]:
    name, spec = choice.spec.preprocessors[kind], choice.spec
    preprocessor, weights = find_preprocessor(name)
    if preprocessor:
        subject = f"{choice.name} (by {name.partition(':')[0]})"
        yield PretrainedPart(subject, preprocessor.pretrained, "", lambda: preprocessor.find_weights(weights))
    find = spec.find_weights
    if find:
        given = choice.params.get("weights")
        yield PretrainedPart(choice.name, spec.pretrained, spec.licence, lambda: find(task, given))
