"""Transformers in front of models: tables, series, images and texts as what a model takes."""
