"""The `edgefeat` command: its parser, and how errors become exit codes.

0 all done; 1 some items failed; 2 wrong usage; 3 model or environment unusable; 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from edgefeat import __version__
from edgefeat.cli import bench, doctor, extract, info, stream
from edgefeat.cli.parser import Parser
from edgefeat.errors import EdgefeatError, OptionError

__all__ = ["main"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EPILOG = "`edgefeat COMMAND --help` explains each command with examples."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    # What OpenCV finds wrong with a picture is said once, by us, with the file's name.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    # NumPy's linear algebra would start a thread for every core at import; nothing here uses it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    program = Parser(
        prog="edgefeat",
        description="Turn photos, folders and camera frames into feature vectors.",
        epilog=_EPILOG,
    )
    program.add_argument("--version", action="version", version=f"edgefeat {__version__}")
    commands = program.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (extract, stream, bench, info, doctor):
        command.add_parser(commands)
    words = sys.argv[1:] if argv is None else argv
    if not words:
        program.print_help(sys.stderr)
        return 2
    return _run(program.parse_command(commands, words))


def _run(arguments: argparse.Namespace) -> int:
    parser: Parser = arguments.parser
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except OptionError as error:
        return parser.explain(error)
    except EdgefeatError as error:
        sys.stderr.write(f"edgefeat: error: {error.message(parser.spell)}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\nedgefeat: interrupted; no unfinished file was left behind\n")
        return 130
    except BrokenPipeError:  # the reader of a pipe had enough, as `head` does
        _forget_stdout()
        return 0
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _forget_stdout()
        sys.stderr.write(
            f"edgefeat: error: output cannot be written in full: {error.strerror}. Free some "
            "space, or write elsewhere.\n"
        )
        return 3
    return code


def _forget_stdout() -> None:
    """Let the flush at exit succeed."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
