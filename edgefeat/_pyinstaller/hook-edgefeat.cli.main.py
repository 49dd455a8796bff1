"""The commands, for an application that holds the command line: they are imported by name."""

from edgefeat.cli.main import COMMANDS

hiddenimports = [f"edgefeat.cli.{name}" for name in COMMANDS]
