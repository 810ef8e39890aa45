"""The data sets that come with scikit-learn."""

from bakeoff.datasets.dataset import Dataset
from bakeoff.tasks import Task


def load_digits() -> Dataset:
    """Load 8 x 8 images of handwritten digits."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Dataset(
        name="digits",
        X=X.astype("float32"),
        y=y,
        task="multiclass",
        kind="image",
        input_shape=(1, 8, 8),
        licence="CC BY 4.0",
        source="UCI optical recognition of handwritten digits (test part), in scikit-learn",
    )


def load_table(name: str, task: Task, source: str) -> Dataset:
    """Load one of scikit-learn's tables by its name."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    labels = y.to_numpy(copy=True)
    return Dataset(name=name, X=X, y=labels, task=task, licence="CC BY 4.0", source=f"{source}, in scikit-learn")
