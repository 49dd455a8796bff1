"""The `edgefeat` command: its parser and its process.

Exit codes: 0 all done; 1 some items failed; 2 wrong usage; 3 model or environment unusable; 130
interrupted. A command's file in `edgefeat.cli` is loaded only where the command line names it, so
that `edgefeat --help` and each command load nothing of the others.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from edgefeat import __version__
from edgefeat.cli import running
from edgefeat.cli.parser import Parser, command_named

TYPE_CHECKING = False  # for type checkers: importing typing costs a tenth of `edgefeat --help`
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["COMMANDS", "build_parser", "main", "program"]

COMMANDS = {
    "extract": "turn photos and folders into features",
    "plan": "cut a large corpus into parts for many machines, and follow them",
    "stream": "turn camera frames and video into features as they come",
    "search": "find the pictures of a set that are nearest to some photos",
    "duplicates": "find groups of near-duplicates in a set",
    "cluster": "divide a set into groups of like pictures",
    "sheet": "write a contact sheet of a set, a page that works offline",
    "teach": "teach a model the classes of your pictures, on this device",
    "predict": "give labels and probabilities for photos and rows, by a model with a head",
    "bench": "measure latency, throughput, cold start and memory",
    "info": "show a model's spec; --self-test proves it on this device",
    "doctor": "show what this device has and prove the model on every provider",
}
"""What each command is for.

The file of the same name in `edgefeat.cli` has its `DESCRIPTION`, its `EPILOG`, `add_arguments` and
`run`.
"""

_EPILOG = "`edgefeat COMMAND --help` explains each command with examples."


def program() -> NoReturn:
    """Run the command line and end the process."""
    try:
        code = main()
    except Exception:  # noqa: BLE001 - shown as Python shows it, and then the process ends
        sys.excepthook(*sys.exc_info())
        code = 1
    connection = sys.modules.get("edgefeat.streaming.capture.connection")
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
    # NumPy's linear algebra would start a thread for every core at import; few commands use it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:] if argv is None else argv
    parser, commands = build_parser(only=command_named(words) or "")
    if not words:
        parser.print_help(sys.stderr)
        return 2
    return running.run(parser.parse_command(commands, words), name="edgefeat")


def build_parser(*, only: str | None = None) -> tuple[Parser, argparse._SubParsersAction[Parser]]:
    """Return the program's parser and the part of it that holds the commands.

    Args:
        only: The command to add options to; the others have their names alone. None adds the
            options of all.
    """
    parser = Parser(
        prog="edgefeat",
        description="Turn photos, folders and camera frames into feature vectors.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"edgefeat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        if only is not None and only != name:
            commands.add_parser(name, help=purpose)
            continue
        command = import_module(f"edgefeat.cli.{name}")
        parser_of_command = commands.add_parser(
            name,
            help=purpose,
            description=command.DESCRIPTION,
            epilog=command.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(parser_of_command)
        parser_of_command.set_defaults(run=command.run)
    return parser, commands
