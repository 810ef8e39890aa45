"""Layers and networks of E replicas side by side: each weight carries a leading replica axis."""
