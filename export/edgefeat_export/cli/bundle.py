"""`edgefeat-export bundle`: a model file becomes one that takes raw camera frames."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefeat.cli.options import size_hw
from edgefeat_export.cli import printing

if TYPE_CHECKING:
    from edgefeat_export.pipeline.bundle import Bundle

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export bundle efficientnet_lite0_224_int8.onnx --frame 640x480 -o camera.onnx
  edgefeat-export bundle MODEL.onnx --frame 640x480 --frame 1920x1080 --pixels bgr -o bundles/

The file takes a frame's bytes and gives the features that edgefeat gives for this frame: the same
bits with an int8 model. Any ONNX Runtime can run it, in any language; nothing else is needed.
Programs in other languages, and how they prove themselves: docs, "The same vector in every
language". A frame that has no exact graph is refused with the nearest sizes that have one.

exit codes: 0 written; 2 wrong usage; 3 not bundled: no file written
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "bundle",
        help="make a file that takes raw camera frames",
        description="Put the exact resize of one frame size in front of a model, in one file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL.onnx", help="a file that `build` made")
    parser.add_argument(
        "--frame",
        dest="frames",
        type=size_hw,
        action="append",
        required=True,
        metavar="WxH",
        help="width and height of the frames in pixels; repeat for several files",
    )
    parser.add_argument(
        "--pixels",
        default="rgb",
        metavar="LAYOUT",
        help="bytes of a frame: rgb, bgr, rgba, nv12, yuyv422 (default: rgb)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE|DIR",
        help="the file, or a folder (default: beside MODEL)",
    )
    parser.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline.bundle import bundle

    made = bundle(
        arguments.model,
        arguments.frames,
        arguments.output,
        pixels=arguments.pixels,
        say=printing.say,
    )
    if arguments.json:
        printing.write_json([_as_document(one) for one in made])
    else:
        sys.stdout.writelines(f"{_as_line(one)}\n" for one in made)
    return 0


def _as_line(one: Bundle) -> str:
    added = (one.size_bytes - one.core_size_bytes) / 1e3
    return (
        f"{one.path}  {one.size_bytes / 1e6:.2f} MB, {added:+.0f} kB for the resize;"
        f" {one.equal_frames} of {one.frames} frames equal to the model's features, bit for bit"
    )


def _as_document(one: Bundle) -> dict[str, Any]:
    document = {
        field.name: getattr(one, field.name)
        for field in dataclasses.fields(one)
        if field.name not in ("path", "spec")
    }
    return {"path": str(one.path), "spec": json.loads(one.spec.to_json()), **document}
