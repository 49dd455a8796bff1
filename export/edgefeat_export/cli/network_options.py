"""The options that say which network is meant, shared by `build` and `verify`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat_export.networks.request import NetworkRequest

__all__ = ["add_network_options", "network_request"]


def add_network_options(parser: argparse.ArgumentParser, *, of_file: bool = False) -> None:
    """Add the options of `NetworkRequest`.

    Args:
        parser: The command's parser.
        of_file: Whether a finished file is at hand, which has settled name, licence and size.
    """
    backbone = parser.add_argument_group("catalogue backbones")
    backbone.add_argument(
        "--weights",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="released weights, random ones, or a weights file (default: imagenet)",
    )
    backbone.add_argument("--alpha", type=float, metavar="A", help="width multiplier (MobileNets)")
    backbone.add_argument(
        "--minimalistic", action="store_true", help="the plain variant of MobileNetV3"
    )
    own = parser.add_argument_group("your own models")
    if not of_file:
        own.add_argument(
            "--name",
            dest="export_name",
            metavar="NAME",
            help="name of the export (default: the file's)",
        )
    own.add_argument(
        "--input-range",
        type=_range,
        metavar="A,B",
        help="what pixels 0..255 were scaled to in training, like 0,1; write --input-range=-1,1",
    )
    own.add_argument(
        "--normalize",
        dest="normalisation",
        metavar="tf|caffe|torch|none|MEAN/STD",
        help="Keras's modes, raw pixels, or one or three numbers each, in units of 0..255",
    )
    own.add_argument(
        "--opaque",
        action="store_true",
        help="of a model that takes alpha as a fourth channel: every picture counts as opaque",
    )
    if not of_file:
        own.add_argument("--licence", metavar="SPDX", help="licence of the weights, for the record")
    own.add_argument(
        "--signature", metavar="NAME", help="which signature of a SavedModel (default: serving)"
    )
    own.add_argument(
        "--model-output",
        metavar="NAME",
        help="which output of several, to look for the end of the features at",
    )
    own.add_argument(
        "--allow-code", action="store_true", help="let Lambda layers run the code in the file"
    )
    own.add_argument(
        "--code",
        type=Path,
        metavar="FILE.py",
        help="run this file, which defines own layer classes",
    )
    if of_file:
        parser.set_defaults(export_name=None, licence=None, size_hw=None)
        return
    parser.add_argument(
        "--size", dest="size_hw", type=_size, metavar="N|HxW", help="input size (default: its own)"
    )


def network_request(arguments: argparse.Namespace, name: str) -> NetworkRequest:
    """Return the request that the parsed options make.

    Args:
        arguments: What the parser returned.
        name: The backbone or the saved model.

    Raises:
        OptionError: Options make no sense.
    """
    from edgefeat_export.networks.request import NetworkRequest

    return NetworkRequest(
        name,
        weights=arguments.weights,
        size_hw=arguments.size_hw,
        alpha=arguments.alpha,
        minimalistic=arguments.minimalistic,
        input_range=arguments.input_range,
        normalisation=arguments.normalisation,
        opaque=arguments.opaque,
        export_name=arguments.export_name,
        licence=arguments.licence,
        signature=arguments.signature,
        model_output=arguments.model_output,
        allow_code=arguments.allow_code,
        code=arguments.code,
    )


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    try:
        return float(low), float(high)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected two numbers like 0,1, got {text!r}") from error


def _size(text: str) -> tuple[int, int]:
    sides = text.lower().split("x")
    if len(sides) not in (1, 2) or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f"expected a size like 224 or 192x256, got {text!r}")
    return int(sides[0]), int(sides[-1])
