"""Pretrained nets: where their weights lie, and images and texts through them, frozen."""
