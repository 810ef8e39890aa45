"""What stands before a model: preprocessing by name, each fitted on training rows only as a step of the pipeline.

A spec names the preprocessor that it wants for each kind of input. When one changes what a model sees, raise
`PREPROCESSOR_VERSION` in `versions.py`: it enters the study key.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.models.pretrained import PRETRAINED_PREPROCESSORS, find_preprocessor
from bakeoff.estimators.preprocessing.filled_numbers import build_filled_encoder
from bakeoff.estimators.preprocessing.hog import OrientedGradients
from bakeoff.estimators.preprocessing.hydra import Hydra, SparseScaler
from bakeoff.estimators.preprocessing.mini_rocket import MiniRocket
from bakeoff.estimators.preprocessing.multirocket import MultiRocket
from bakeoff.estimators.preprocessing.quant import Quant
from bakeoff.estimators.preprocessing.scaling import Components, GlobalScaler, SeriesScaler
from bakeoff.estimators.preprocessing.series_features import IntervalFeatures
from bakeoff.estimators.preprocessing.series_gaps import FilledSteps, StretchedSteps
from bakeoff.estimators.preprocessing.tabular_encoding import NativeCategories, TabularEncoder, build_embedding_encoder
from bakeoff.estimators.preprocessing.tokenizer import TokenIds
from bakeoff.estimators.specs.spec import BuildContext, ModelSpec
from bakeoff.tasks import Task

WORD_OPTIONS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "token_pattern": r"(?u)\b\w+\b"}
CHARACTER_OPTIONS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 2}
TARGET_TYPES: dict[Task, str] = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}
PreprocessorBuilder = Callable[[BuildContext, tuple[str, ...]], Any]


def build_preprocessor(name: str, context: BuildContext | None = None, *, categorical: tuple[str, ...] = ()) -> Any:
    """Build an unfitted preprocessor by its name.

    Parameters
    ----------
    name : str
        One of `PREPROCESSORS`, or a pretrained one of `PRETRAINED_PREPROCESSORS`, which may name its weights:
        `text-embeddings:PATH`.
    context : BuildContext, optional
        The task and the shape of the input; a binary task without a shape if left out.
    categorical : tuple of str
        Columns that are categories although they hold numbers.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    _check_known(name)
    where = context or BuildContext(task="binary")
    pretrained, weights = find_preprocessor(name)
    return pretrained.build(where, weights) if pretrained else PREPROCESSORS[name](where, categorical)


def use_preprocessor(spec: ModelSpec, name: str) -> ModelSpec:
    """Return a model behind another preprocessor; behind a pretrained one it takes that one's kind of input alone.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    _check_known(name)
    pretrained, _ = find_preprocessor(name)
    kinds = (pretrained.kind,) if pretrained else spec.kinds
    return replace(spec, kinds=kinds, preprocessors=dict.fromkeys(kinds, name))


def _check_known(name: str) -> None:
    if name not in PREPROCESSORS and find_preprocessor(name)[0] is None:
        raise UserError(unknown_name("preprocessor", name, [*PREPROCESSORS, *PRETRAINED_PREPROCESSORS]))


def _tabular(categories: str, scale: str) -> PreprocessorBuilder:
    return lambda context, categorical: TabularEncoder(
        categories,
        scale=scale,
        categorical=categorical,
        target_type=TARGET_TYPES[context.task],
        random_state=context.random_state,
    )


def _words_and_characters() -> FeatureUnion:
    words = TfidfVectorizer(sublinear_tf=True, **WORD_OPTIONS)
    characters = TfidfVectorizer(sublinear_tf=True, **CHARACTER_OPTIONS)
    return FeatureUnion([("words", words), ("characters", characters)])


def _multirocket_and_hydra(context: BuildContext) -> FeatureUnion:
    options: dict[str, Any] = {"input_shape": context.input_shape, "random_state": context.random_state}
    multirocket = make_pipeline(MultiRocket(**options), StandardScaler(copy=False))
    return FeatureUnion([("multirocket", multirocket), ("hydra", make_pipeline(Hydra(**options), SparseScaler()))])


def _series_scaler(context: BuildContext, *, fill: bool = False) -> GlobalScaler:
    """Build what scales series; how loud one is may be what a regression predicts."""
    return GlobalScaler(fill=fill) if context.task == "regression" else SeriesScaler(fill=fill)


PREPROCESSORS: dict[str, PreprocessorBuilder] = {
    "none": lambda _, __: FunctionTransformer(),
    "one-hot": _tabular("one-hot", "standard"),
    "one-hot-normal": _tabular("one-hot", "normal"),
    "ordinal": _tabular("ordinal", "none"),
    "native": lambda _, categorical: NativeCategories(categorical=categorical),
    "scaled": lambda _, __: make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
    "filled": lambda _, __: SimpleImputer(keep_empty_features=True),
    "global-scaled": lambda _, __: GlobalScaler(fill=True),
    "series-scaled": lambda context, _: _series_scaler(context, fill=True),
    "steps": lambda context, _: make_pipeline(_series_scaler(context), FilledSteps(context.input_shape)),
    "stretched": lambda context, _: make_pipeline(GlobalScaler(), StretchedSteps(context.input_shape)),
    "components": lambda _, __: make_pipeline(GlobalScaler(fill=True), Components()),
    "hog": lambda context, _: make_pipeline(GlobalScaler(fill=True), OrientedGradients(context.input_shape)),
    "intervals": lambda context, _: IntervalFeatures(context.input_shape),
    "minirocket": lambda context, _: make_pipeline(
        GlobalScaler(fill=True),
        MiniRocket(input_shape=context.input_shape, random_state=context.random_state),
        StandardScaler(copy=False),
    ),
    "multirocket-hydra": lambda context, _: make_pipeline(GlobalScaler(fill=True), _multirocket_and_hydra(context)),
    "quantiles": lambda context, _: Quant(input_shape=context.input_shape),
    "embedded": lambda _, categorical: build_embedding_encoder(categorical),
    "embedded-filled": lambda _, categorical: build_filled_encoder(categorical),
    "embedded-normal": lambda _, categorical: build_embedding_encoder(categorical, scale="normal"),
    "tf-idf": lambda _, __: TfidfVectorizer(sublinear_tf=True, **WORD_OPTIONS),
    "tf-idf-characters": lambda _, __: _words_and_characters(),
    "counts": lambda _, __: CountVectorizer(**WORD_OPTIONS),
    "token-ids": lambda _, __: TokenIds(),
}
