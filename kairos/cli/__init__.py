"""The command line: one file a command."""

from kairos.cli.app import main

__all__ = ["main"]
