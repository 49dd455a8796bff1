"""The `edgefeat-export` command.

Exit codes: 0 done; 2 wrong usage; 3 the model could not be built or missed a gate; 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from edgefeat.errors import EdgefeatError
from edgefeat_export import __version__
from edgefeat_export.cli import build, quantize, verify
from edgefeat_export.cli import list as listing
from edgefeat_export.quiet import import_tensorflow

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    arguments = _parser().parse_args(argv)
    try:
        if getattr(arguments, "needs_tensorflow", True):
            import_tensorflow()
        code: int = arguments.run(arguments)
    except argparse.ArgumentTypeError as error:  # options that only fit together or not at all
        sys.stderr.write(f"edgefeat-export: error: {error}\n")
        return 2
    except EdgefeatError as error:
        sys.stderr.write(f"edgefeat-export: error: {error}\n")
        if getattr(arguments, "json", False):
            sys.stdout.write(_refusal(error) + "\n")
        return 3
    except KeyboardInterrupt:
        sys.stderr.write("\nedgefeat-export: interrupted; no file was written or replaced\n")
        return 130
    return code


def _refusal(error: EdgefeatError) -> str:
    """Why nothing was built, for programs: the kind of error, and each missed gate."""
    reasons = [dict(reason) for reason in getattr(error, "reasons", ())]
    return json.dumps({"error": type(error).__name__, "message": str(error), "reasons": reasons})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgefeat-export",
        description="Turn a Keras backbone into one self-describing ONNX file for edgefeat.",
    )
    parser.add_argument("--version", action="version", version=f"edgefeat-export {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (build, quantize, listing, verify):
        command.add_parser(commands)
    return parser
