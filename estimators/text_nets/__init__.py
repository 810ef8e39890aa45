"""Nets that are made for texts: a transformer, averaged embeddings of words and pairs of words."""
