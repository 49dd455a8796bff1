"""The `edgefeat` command: its parser and its process.

Exit codes: 0 all done; 1 some items failed; 2 wrong usage; 3 model or environment unusable; 130
interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from edgefeat import __version__
from edgefeat.cli import bench, doctor, extract, info, running, stream
from edgefeat.cli.parser import Parser

__all__ = ["build_parser", "main", "program"]

_EPILOG = "`edgefeat COMMAND --help` explains each command with examples."


def program() -> NoReturn:
    """Run the command line and end the process."""
    try:
        code = main()
    except Exception:  # noqa: BLE001 - shown as Python shows it, and then the process ends
        sys.excepthook(*sys.exc_info())
        code = 1
    connection = sys.modules.get("edgefeat.streaming.connection")
    if connection is not None and connection.left_behind():
        # A thread that hangs in a library would abort the process if it came back while the
        # interpreter ends. All is written by now, so the interpreter is left out.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    # What OpenCV finds wrong with a picture is said once, by us, with the file's name.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    # NumPy's linear algebra would start a thread for every core at import; nothing here uses it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser, commands = build_parser()
    words = sys.argv[1:] if argv is None else argv
    if not words:
        parser.print_help(sys.stderr)
        return 2
    return running.run(parser.parse_command(commands, words), name="edgefeat")


def build_parser() -> tuple[Parser, argparse._SubParsersAction[Parser]]:
    """Return the program's parser and the part of it that holds the commands."""
    parser = Parser(
        prog="edgefeat",
        description="Turn photos, folders and camera frames into feature vectors.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"edgefeat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (extract, stream, bench, info, doctor):
        command.add_parser(commands)
    return parser, commands
