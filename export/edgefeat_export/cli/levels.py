"""`edgefeat-export levels`: measures what a cosine of a finished file's features means."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat_export.cli import printing

if TYPE_CHECKING:
    from edgefeat.model.spec import Similarity

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export levels my_model_224_int8.onnx
  edgefeat-export levels my_model_224_int8.onnx --images photos/ -o my_model_224_int8.onnx

`edgefeat duplicates` takes these levels. The fingerprint stays: features that the file gave stay
of use. Photos that packages ship stand for photos of all kinds; yours tell more of yours.

exit codes: 0 done; 2 wrong usage; 3 nothing can be told, or the file cannot be read or written
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "levels",
        help="measure which cosines copies of photos have, and write them into a file",
        description="Measure which cosines copies of photos have under a finished model file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="MODEL.onnx", help="made by `build`")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="your photos (default: those packages ship)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the file with these levels"
    )
    parser.add_argument("--json", action="store_true", help="the levels as JSON on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline.levels import levels

    found = levels(arguments.file, arguments.output, images=arguments.images, say=printing.say)
    if arguments.json:
        printing.write_json(_as_document(found))
    else:
        levels_text = "  ".join(f"{name} {cosine}" for name, cosine in _as_document(found).items())
        sys.stdout.write(f"{levels_text}\n")
    return 0


def _as_document(found: Similarity) -> dict[str, float]:
    return {name: getattr(found, name) for name in ("same", "near", "look", "other_p999")}
