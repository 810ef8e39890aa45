"""What the forkserver imports once, so that a fit's process starts in hundredths of a second instead of seconds.

Imports only: nothing here may start a thread pool, or the forks would hang.
"""

import optuna
import sklearn.compose
import sklearn.ensemble
import sklearn.linear_model
import sklearn.metrics
import sklearn.naive_bayes
import sklearn.neighbors
import sklearn.svm
import torch
import xgboost

import bakeoff.evaluate

__all__ = ["bakeoff", "optuna", "sklearn", "torch", "xgboost"]
