"""Runs one command of a command line: its errors become messages and exit codes.

`edgefeat` and `edgefeat-export` share this, so that both fail in the same way: 2 for wrong usage, 3
for an error, 130 when interrupted, 0 when the reader of a pipe had enough (3 where the command was
told that it must stay).
"""

from __future__ import annotations

import argparse
import errno
import os
import sys

from edgefeat.errors import EdgefeatError, OptionError
from edgefeat.messages.say import say

TYPE_CHECKING = False  # for type checkers: importing typing costs a tenth of `edgefeat --help`
if TYPE_CHECKING:
    from collections.abc import Callable

    from edgefeat.cli.parser import Parser

__all__ = ["run"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PATIENCE_S = 0.1  # how long a last word waits for a reader of stderr


def run(
    arguments: argparse.Namespace,
    *,
    name: str,
    refused: Callable[[EdgefeatError], None] = lambda _error: None,
) -> int:
    """Run the command that was parsed and return the exit code.

    Args:
        arguments: What `Parser.parse_command` returned; its `run` does the work.
        name: Name of the program, which messages begin with.
        refused: Told of an error after its message was printed, for output that programs read.
    """
    parser: Parser = arguments.parser
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except OptionError as error:
        return parser.explain(error)
    except EdgefeatError as error:
        return _fail(error, parser, name, refused)
    except (ImportError, AttributeError) as error:
        from edgefeat.installed.dependencies import explain

        if (explained := explain(error)) is None:
            raise
        return _fail(explained, parser, name, refused)
    except KeyboardInterrupt:
        interrupted = f"\n{name}: interrupted; no unfinished file was left behind\n"
        say(interrupted, patience_s=_PATIENCE_S)
        return 130
    except BrokenPipeError:  # the reader of a pipe had enough, as `head` does
        _forget_stdout()
        if getattr(arguments, "on_broken_pipe", "end") == "end":
            return 0
        say(
            f"{name}: error: the program that reads the output has ended. Start it again, and "
            "this one.\n",
            patience_s=_PATIENCE_S,
        )
        return 3
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _forget_stdout()
        say(
            f"{name}: error: output cannot be written in full: {error.strerror}. Free some "
            "space, or write elsewhere.\n",
            patience_s=_PATIENCE_S,
        )
        return 3
    return code


def _fail(
    error: EdgefeatError, parser: Parser, name: str, refused: Callable[[EdgefeatError], None]
) -> int:
    say(f"{name}: error: {error.message(parser.spell)}\n", patience_s=_PATIENCE_S)
    refused(error)
    return 3


def _forget_stdout() -> None:
    """Let the flush at exit succeed."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
