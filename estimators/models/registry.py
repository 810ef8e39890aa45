"""The registry of models: specs by name, those of other packages (entry point `bakeoff.models`) included."""

from functools import cache
from importlib.metadata import entry_points

from bakeoff.errors import UserError, unknown_name
from bakeoff.estimators.net_specs.image_nets import IMAGE_NET_SPECS
from bakeoff.estimators.net_specs.nets import NET_SPECS
from bakeoff.estimators.net_specs.series_nets import SERIES_NET_SPECS
from bakeoff.estimators.net_specs.tabm import TABM_SPECS
from bakeoff.estimators.net_specs.tabular_nets import TABULAR_NET_SPECS
from bakeoff.estimators.net_specs.text_nets import TEXT_NET_SPECS
from bakeoff.estimators.specs.additive import ADDITIVE_SPECS
from bakeoff.estimators.specs.boosting import BOOSTING_SPECS
from bakeoff.estimators.specs.images import IMAGE_SPECS
from bakeoff.estimators.specs.linear import LINEAR_SPECS
from bakeoff.estimators.specs.pretrained import PRETRAINED_SPECS
from bakeoff.estimators.specs.series import SERIES_SPECS
from bakeoff.estimators.specs.simple import SIMPLE_SPECS
from bakeoff.estimators.specs.spec import ModelSpec
from bakeoff.estimators.specs.text_linear import TEXT_LINEAR_SPECS
from bakeoff.estimators.specs.trees import TREE_SPECS

ENTRY_POINT_GROUP = "bakeoff.models"
FAMILIES = ("all", "classical", "deep")


@cache
def all_specs() -> dict[str, ModelSpec]:
    """Return every registered model by name.

    Raises
    ------
    UserError
        If an entry point can't be loaded, is no `ModelSpec`, or takes a name that is taken.
    """
    own = (
        *(*SIMPLE_SPECS, *LINEAR_SPECS, *TREE_SPECS, *BOOSTING_SPECS, *SERIES_SPECS),
        *(*ADDITIVE_SPECS, *IMAGE_SPECS, *TEXT_LINEAR_SPECS),
        *(
            *NET_SPECS,
            *IMAGE_NET_SPECS,
            *SERIES_NET_SPECS,
            *TABM_SPECS,
            *TABULAR_NET_SPECS,
            *TEXT_NET_SPECS,
            *PRETRAINED_SPECS,
        ),
    )
    specs = {spec.name: spec for spec in own}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        spec = _load(point)
        if spec.name in specs:
            raise UserError(f"the entry point {point.value!r} registers the model {spec.name!r}, which exists already")
        specs[spec.name] = spec
    return specs


def model_names() -> list[str]:
    """Return the names of all registered models."""
    return list(all_specs())


def get_spec(name: str) -> ModelSpec:
    """Return a registered model.

    Raises
    ------
    UserError
        If no model has that name.
    """
    if name not in all_specs():
        raise UserError(unknown_name("model", name, all_specs(), listing="models"))
    return all_specs()[name]


def specs_of_family(family: str) -> list[ModelSpec]:
    """Return the models of `classical`, `deep` or `all`."""
    return [spec for spec in all_specs().values() if family in ("all", spec.family)]


def _load(point: object) -> ModelSpec:
    from importlib.metadata import EntryPoint

    assert isinstance(point, EntryPoint)
    try:
        spec = point.load()
    except Exception as error:
        raise UserError(f"the entry point {point.value!r} of {ENTRY_POINT_GROUP} can't be loaded: {error}") from error
    if not isinstance(spec, ModelSpec):
        raise UserError(
            f"the entry point {point.value!r} of {ENTRY_POINT_GROUP} must be a ModelSpec, got {type(spec).__name__}"
        )
    return spec
