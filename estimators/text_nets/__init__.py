"""Nets that are made for texts: attention among the words, and the plain mean of their vectors."""
