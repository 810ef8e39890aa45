"""Specs of the classical models that are made for images: a kernel SVM and boosting on histograms of gradients."""

from dataclasses import replace

from bakeoff.estimators.specs.boosting import HIST_GRADIENT_BOOSTING
from bakeoff.estimators.specs.simple import SIMPLE_SPECS
from bakeoff.tasks import Kind

HOG = "features: Dalal and Triggs 2005 (Histograms of oriented gradients, CVPR)"
PREPROCESSORS: dict[Kind, str] = {"image": "hog"}
RBF_SVM = next(spec for spec in SIMPLE_SPECS if spec.name == "rbf_svm")

IMAGE_SPECS = (
    replace(
        RBF_SVM,
        name="hog_svm",
        summary="Gaussian SVM on histograms of oriented gradients: the strongest on up to some 10,000 small images",
        kinds=("image",),
        preprocessors=PREPROCESSORS,
        default={**RBF_SVM.default, "C": 5.0},  # cross-validated on 5,000 training images of MNIST
        source=f"{HOG}; {RBF_SVM.source}",
    ),
    replace(
        HIST_GRADIENT_BOOSTING,
        name="hog_boosting",
        summary="gradient boosting on histograms of oriented gradients: for more images than a kernel can take",
        kinds=("image",),
        preprocessors=PREPROCESSORS,
        # Hundreds of features that are alike: a tenth of them for each split and few bins are as good, and quick.
        fixed={"max_bins": 32, "max_features": 0.1},
        source=f"{HOG}; {HIST_GRADIENT_BOOSTING.source}",
    ),
)
