"""Versions that enter the keys of a fit, apart from the code they speak of so that reading them imports nothing."""

FRONT_END_VERSION = 3  # change it when a front end changes what a model sees
