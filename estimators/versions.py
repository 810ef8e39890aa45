"""Versions that enter the keys of a fit, apart from the code they speak of so that reading them imports nothing."""

PREPROCESSOR_VERSION = 3  # change it when a preprocessor changes what a model sees
