"""Suites: what a user may ask for, validated as a whole, and the models and metrics that are meant."""
