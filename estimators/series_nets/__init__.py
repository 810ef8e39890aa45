"""Nets for time series: what the archives of the field have found to work, each a scikit-learn estimator."""
