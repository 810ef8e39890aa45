"""The command line: parse, print, exit code; nothing else prints."""

from bakeoff.cli.app import main

__all__ = ["main"]
