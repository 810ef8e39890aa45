"""Runs in MLflow, rebuilt from the run folder at any time; nothing else knows MLflow."""
