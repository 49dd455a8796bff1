"""`python -m edgefeat` is the `edgefeat` command."""

from edgefeat.cli.main import program

program()
