"""Readers of files: a path in, a frame or labelled arrays out; nothing of `Dataset`."""
