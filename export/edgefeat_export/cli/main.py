"""The `edgefeat-export` command: its parser.

Exit codes: 0 done; 2 wrong usage; 3 the model could not be built or missed a gate; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from edgefeat.cli import running
from edgefeat.cli.parser import Parser
from edgefeat.errors import EdgefeatError
from edgefeat_export import __version__
from edgefeat_export.cli import build, printing, quantize, verify
from edgefeat_export.cli import list as listing

__all__ = ["main"]

_EPILOG = "`edgefeat-export COMMAND --help` explains each command with examples."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    program = Parser(
        prog="edgefeat-export",
        description="Turn a Keras backbone into one self-describing ONNX file for edgefeat.",
        epilog=_EPILOG,
    )
    program.add_argument("--version", action="version", version=f"edgefeat-export {__version__}")
    commands = program.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (build, quantize, listing, verify):
        command.add_parser(commands)
    words = sys.argv[1:] if argv is None else argv
    if not words:
        program.print_help(sys.stderr)
        return 2
    arguments = program.parse_command(commands, words)

    def refused(error: EdgefeatError) -> None:
        if arguments.json:
            printing.write_json(printing.refusal(error, arguments.parser.spell))

    return running.run(arguments, name="edgefeat-export", refused=refused)
