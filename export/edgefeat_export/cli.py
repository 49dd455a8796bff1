"""The `edgefeat-export` command.

Exit codes: 0 done; 2 wrong usage; 3 the model could not be built or missed a gate; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from edgefeat.errors import EdgefeatError
from edgefeat_export import __version__
from edgefeat_export.commands import build, quantize

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    arguments = _parser().parse_args(argv)
    try:
        _import_tensorflow()
        code: int = arguments.run(arguments)
    except EdgefeatError as error:
        sys.stderr.write(f"edgefeat-export: error: {error}\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\nedgefeat-export: interrupted; no file was written or replaced\n")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgefeat-export",
        description="Turn a Keras backbone into one self-describing ONNX file for edgefeat.",
    )
    parser.add_argument("--version", action="version", version=f"edgefeat-export {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (build, quantize):
        command.add_parser(commands)
    return parser


def _import_tensorflow() -> None:
    """Import TensorFlow without its greetings, which no log level silences (it writes to fd 2)."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
