"""What the forkserver imports once, so that a fit's process starts in hundredths of a second instead of seconds.

Nothing here may start a thread pool, or the forks would hang.
"""

import gc
import os
import sys

if "numpy" not in sys.modules:  # in the forkserver
    # OpenBLAS starts threads when it is loaded, and again in every fork, where they spin for a tenth of a second before
    # they sleep. Fits set their own numbers.
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own pool starts a thread and reserves a gigabyte

import joblib
import optuna
import pandas as pd
import sklearn.compose
import sklearn.ensemble
import sklearn.linear_model
import sklearn.metrics
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.svm
import torch
import torch._dynamo
import xgboost

import bakeoff.estimators.nets.cnn
import bakeoff.estimators.nets.folds
import bakeoff.estimators.nets.lstm
import bakeoff.estimators.nets.mlp
import bakeoff.estimators.wrappers.xgboost
import bakeoff.evaluation.evaluate
from bakeoff.estimators.preprocessing.tabular_encoding import TabularEncoder
from bakeoff.isolation.child import find_thread_pools
from bakeoff.isolation.huge_pages import collapse_memory
from bakeoff.records.provenance import collect_versions

__all__ = ["bakeoff", "joblib", "optuna", "sklearn", "torch", "xgboost"]

# What libraries put off until their first use would be charged to the first model of every process: torch.optim imports
# torch._dynamo, scikit-learn asks for the physical cores (kept in a cache) and imports narwhals for the first frame.
joblib.cpu_count(only_physical_cores=True)
TabularEncoder().fit_transform(pd.DataFrame({"number": [0.0, 1.0], "category": ["a", "b"]}))
find_thread_pools()
collect_versions()
gc.collect()
gc.freeze()  # else each child's first collection would touch, and so copy, every page of the preload
collapse_memory()
