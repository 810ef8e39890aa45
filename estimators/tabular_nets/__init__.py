"""Nets made for tables, each a scikit-learn estimator: ensembles of shared weights, tuned recipes, attention."""
