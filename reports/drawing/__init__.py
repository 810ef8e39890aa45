"""Figures as plain values, drawn by plotly in the page and by matplotlib in files."""
