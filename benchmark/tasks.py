"""The words for what is to be predicted, and from what: the task and the kind of a data set, the variant of a model."""

from typing import Literal

Task = Literal["binary", "multiclass", "regression"]
Kind = Literal["tabular", "image", "series", "text"]
Variant = Literal["default", "tuned", "bagged", "ensemble", "bagged-ensemble"]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
KINDS: tuple[Kind, ...] = ("tabular", "image", "series", "text")
