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
from bakeoff.estimators.preprocessing.tabular_encoding import NativeCategories, TabularEncoder, for_embeddings
from bakeoff.estimators.preprocessing.tokenizer import TokenIds
from bakeoff.estimators.specs.spec import Setting
from bakeoff.tasks import Task

WORDS: dict[str, Any] = {"ngram_range": (1, 2), "min_df": 2, "token_pattern": r"(?u)\b\w+\b"}
CHARACTERS: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 2}
TARGET_TYPES: dict[Task, str] = {"binary": "binary", "multiclass": "multiclass", "regression": "continuous"}
FrontEnd = Callable[[Setting, tuple[str, ...]], Any]


def build_preprocessor(name: str, setting: Setting | None = None, *, categorical: tuple[str, ...] = ()) -> Any:
    """Build an unfitted preprocessor by its name.

    Parameters
    ----------
    name : str
    setting : Setting, optional
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
    return PREPROCESSORS[name](setting or Setting(task="binary"), categorical)


def _table(categories: str, scale: str) -> FrontEnd:
    return lambda setting, categorical: TabularEncoder(
        categories,
        scale=scale,
        categorical=categorical,
        target_type=TARGET_TYPES[setting.task],
        random_state=setting.random_state,
    )


def _words_and_characters() -> FeatureUnion:
    words, characters = TfidfVectorizer(sublinear_tf=True, **WORDS), TfidfVectorizer(sublinear_tf=True, **CHARACTERS)
    return FeatureUnion([("words", words), ("characters", characters)])


PREPROCESSORS: dict[str, FrontEnd] = {
    "none": lambda _, __: FunctionTransformer(),
    "one-hot": _table("one-hot", "standard"),
    "one-hot-normal": _table("one-hot", "normal"),
    "ordinal": _table("ordinal", "none"),
    "native": lambda _, categorical: NativeCategories(categorical=categorical),
    "scaled": lambda _, __: make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
    "filled": lambda _, __: SimpleImputer(keep_empty_features=True),
    "global-scaled": lambda _, __: GlobalScaler(fill=True),
    "steps": lambda setting, _: make_pipeline(GlobalScaler(), FilledSteps(setting.input_shape)),
    "stretched": lambda setting, _: make_pipeline(GlobalScaler(), StretchedSteps(setting.input_shape)),
    "components": lambda _, __: make_pipeline(GlobalScaler(fill=True), Components()),
    "intervals": lambda setting, _: IntervalFeatures(setting.input_shape),
    "minirocket": lambda setting, _: make_pipeline(
        GlobalScaler(fill=True),
        MiniRocket(input_shape=setting.input_shape, random_state=setting.random_state),
        StandardScaler(copy=False),
    ),
    "embedded": lambda _, categorical: for_embeddings(categorical),
    "tf-idf": lambda _, __: TfidfVectorizer(sublinear_tf=True, **WORDS),
    "tf-idf-characters": lambda _, __: _words_and_characters(),
    "counts": lambda _, __: CountVectorizer(**WORDS),
    "token-ids": lambda _, __: TokenIds(),
}
