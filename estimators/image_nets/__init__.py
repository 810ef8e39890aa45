"""Nets that are made for images: residual ones, plain and wide, whose first layer keeps every pixel."""
