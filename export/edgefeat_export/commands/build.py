"""`edgefeat-export build`: a backbone becomes verified model files."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat_export.pipeline import Built

__all__ = ["add_parser"]

_EPILOG = """\
examples:
  edgefeat-export build efficientnet_lite0 -o models
  edgefeat-export build mobilenet --alpha 0.25 --weights mobilenet_2_5_224_tf_no_top.h5
  edgefeat-export build mobilenet --precision int8 --calibrate photos/ --images held_out/

A file is written only if its features, computed by edgefeat itself, are Keras's on real pictures.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    build = commands.add_parser(
        "build",
        help="convert, quantize, verify and write a model",
        description="Convert a headless backbone to ONNX, verify it against Keras, write it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("name", metavar="NAME", help="backbone, such as efficientnet_lite0")
    build.add_argument(
        "--weights",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="released weights, random ones, or a weights file (default: imagenet)",
    )
    build.add_argument("--size", type=_size, metavar="N|HxW", help="input size (default: its own)")
    build.add_argument("--alpha", type=float, metavar="A", help="width multiplier (MobileNets)")
    build.add_argument(
        "--precision",
        type=_precisions,
        default=("fp32", "int8"),
        metavar="LIST",
        help="some of fp32,int8 (default: both)",
    )
    build.add_argument(
        "--calibrate", type=Path, metavar="DIR", help="pictures to calibrate int8 on"
    )
    build.add_argument("--images", type=Path, metavar="DIR", help="pictures to verify with")
    build.add_argument("-o", "--output", type=Path, default=Path("models"), metavar="DIR")
    build.add_argument("--json", action="store_true", help="a JSON summary on stdout")
    build.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat_export.pipeline import BuildRequest, build

    request = BuildRequest(
        name=arguments.name,
        weights=arguments.weights,
        size_hw=arguments.size,
        alpha=arguments.alpha,
        precisions=arguments.precision,
        calibration=arguments.calibrate,
        images=arguments.images,
        output=arguments.output,
    )
    built = build(request, say=_say)
    if arguments.json:
        sys.stdout.write(json.dumps([_summary(one) for one in built]) + "\n")
    else:
        for one in built:
            sys.stdout.write(_sentence(one) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"edgefeat-export: {line}\n")
    sys.stderr.flush()


def _summary(one: Built) -> dict[str, object]:
    return {
        "path": str(one.path),
        "size_bytes": one.size_bytes,
        "spec": json.loads(one.spec.to_json()),
    }


def _sentence(one: Built) -> str:
    parity = one.spec.parity
    fidelity = (
        f"cosine to Keras {parity.cosine_mean:.5f} mean, {parity.cosine_min:.5f} min, "
        f"relative L2 {parity.relative_l2_max:.1e} max over {parity.images} pictures"
        if parity
        else "not verified"
    )
    return f"{one.path}  {one.size_bytes / 1e6:.2f} MB  {one.spec.dim} features  {fidelity}"


def _precisions(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    known = ("fp32", "int8")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(known)}, got {unknown[0]!r}")
    return names


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) not in (1, 2) or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f"expected a size like 224 or 192x256, got {text!r}")
    return int(sides[0]), int(sides[-1])
