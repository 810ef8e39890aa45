"""Nets as scikit-learn estimators."""
