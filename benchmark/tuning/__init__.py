"""Tuning on inner folds: Optuna studies, their journals, out-of-fold predictions, ensembles of trials."""
