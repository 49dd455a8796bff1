"""The `edgefeat-export` command: its parser.

Exit codes: 0 done; 2 wrong usage; 3 the model could not be built or missed a gate; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from edgefeat.cli import running
from edgefeat.cli.parser import Parser
from edgefeat.errors import EdgefeatError
from edgefeat.model.file import KEY_VARIABLE
from edgefeat_export import __version__
from edgefeat_export.cli import attach, build, bundle, levels, printing, quantize, verify
from edgefeat_export.cli import list as listing

__all__ = ["build_parser", "main"]

_EPILOG = "`edgefeat-export COMMAND --help` explains each command with examples."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    parser, commands = build_parser()
    words = sys.argv[1:] if argv is None else argv
    if not words:
        parser.print_help(sys.stderr)
        return 2
    arguments = parser.parse_command(commands, words)
    if os.environ.pop(KEY_VARIABLE, None) is not None:  # a draft can have no signature yet
        printing.say(f"{KEY_VARIABLE} is left aside: models are signed when they are finished")

    def refused(error: EdgefeatError) -> None:
        if arguments.json:
            printing.write_json(printing.refusal(error, arguments.parser.spell))

    return running.run(arguments, name="edgefeat-export", refused=refused)


def build_parser() -> tuple[Parser, argparse._SubParsersAction[Parser]]:
    """Return the program's parser and the part of it that holds the commands."""
    parser = Parser(
        prog="edgefeat-export",
        description="Turn a Keras backbone into one self-describing ONNX file for edgefeat.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"edgefeat-export {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (build, quantize, bundle, attach, listing, verify, levels):
        command.add_parser(commands)
    return parser, commands
