"""What stands before a model: preprocessing by name, each fitted on training rows only as a step of the pipeline.

A spec names the preprocessor that it wants for each kind of input. When one changes what a model sees, raise
`PREPROCESSOR_VERSION` in `versions.py`: it enters the study key.
"""

from collections.abc import Callable
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.preprocessing.mini_rocket import MiniRocket
from bakeoff.estimators.preprocessing.scaling import Components, GlobalScaler
from bakeoff.estimators.preprocessing.series_features import IntervalFeatures
from bakeoff.estimators.preprocessing.series_gaps import FilledSteps, StretchedSteps
from bakeoff.estimators.preprocessing.tabular_encoding import NativeCategories, TabularEncoder, build_embedding_encoder
from bakeoff.estimators.preprocessing.tokenizer import TokenIds
from bakeoff.estimators.specs.spec import BuildContext
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
    context : BuildContext, optional
        The task and the shape of the input; a binary task without a shape if left out.
    categorical : tuple of str
        Columns that are categories although they hold numbers.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    if name not in PREPROCESSORS:
        raise UserError(unknown_name("preprocessor", name, PREPROCESSORS))
    return PREPROCESSORS[name](context or BuildContext(task="binary"), categorical)


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


PREPROCESSORS: dict[str, PreprocessorBuilder] = {
    "none": lambda _, __: FunctionTransformer(),
    "one-hot": _tabular("one-hot", "standard"),
    "one-hot-normal": _tabular("one-hot", "normal"),
    "ordinal": _tabular("ordinal", "none"),
    "native": lambda _, categorical: NativeCategories(categorical=categorical),
    "scaled": lambda _, __: make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
    "filled": lambda _, __: SimpleImputer(keep_empty_features=True),
    "global-scaled": lambda _, __: GlobalScaler(fill=True),
    "steps": lambda context, _: make_pipeline(GlobalScaler(), FilledSteps(context.input_shape)),
    "stretched": lambda context, _: make_pipeline(GlobalScaler(), StretchedSteps(context.input_shape)),
    "components": lambda _, __: make_pipeline(GlobalScaler(fill=True), Components()),
    "intervals": lambda context, _: IntervalFeatures(context.input_shape),
    "minirocket": lambda context, _: make_pipeline(
        GlobalScaler(fill=True),
        MiniRocket(input_shape=context.input_shape, random_state=context.random_state),
        StandardScaler(copy=False),
    ),
    "embedded": lambda _, categorical: build_embedding_encoder(categorical),
    "tf-idf": lambda _, __: TfidfVectorizer(sublinear_tf=True, **WORD_OPTIONS),
    "tf-idf-characters": lambda _, __: _words_and_characters(),
    "counts": lambda _, __: CountVectorizer(**WORD_OPTIONS),
    "token-ids": lambda _, __: TokenIds(),
}
