"""Figures: what they show as plain values, drawn by plotly in the page and by matplotlib in files.

Importing this package is cheap; matplotlib is loaded when a figure is written.
"""
