"""The options that say which network is meant, shared by `build` and `verify`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from edgefeat_export.pipeline.request import NetworkRequest
    from edgefeat_export.proof.gates import Gates

__all__ = ["add_gate_option", "add_network_options", "checked", "gates_of", "network_request"]

T = TypeVar("T")


def add_network_options(parser: argparse.ArgumentParser, *, of_file: bool = False) -> None:
    """Add them; `of_file` leaves out what a finished file has settled."""
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
        own.add_argument("--name", metavar="NAME", help="name of the export (default: the file's)")
    own.add_argument(
        "--input-range",
        type=_range,
        metavar="A,B",
        help="what pixels 0..255 were scaled to in training, like 0,1; write --input-range=-1,1",
    )
    own.add_argument(
        "--normalize",
        metavar="tf|caffe|torch|none|MEAN/STD",
        help="Keras's modes, raw pixels, or one or three numbers each, in units of 0..255",
    )
    if not of_file:
        own.add_argument("--licence", metavar="SPDX", help="licence of the weights, for the record")
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
        parser.set_defaults(name=None, licence=None, size=None)
        return
    parser.add_argument("--size", type=_size, metavar="N|HxW", help="input size (default: its own)")


def network_request(arguments: argparse.Namespace, name: str) -> NetworkRequest:
    """Turn the parsed options into a request."""
    from edgefeat_export.networks.network import of_range, parse_normalisation
    from edgefeat_export.pipeline.request import NetworkRequest

    if arguments.input_range is not None and arguments.normalize is not None:
        raise argparse.ArgumentTypeError(
            "--input-range and --normalize say the same thing: give one"
        )
    normalisation = None
    if arguments.input_range is not None:
        normalisation = checked("--input-range", lambda: of_range(*arguments.input_range))
    elif arguments.normalize is not None:
        normalisation = checked("--normalize", lambda: parse_normalisation(arguments.normalize))
    return NetworkRequest(
        name=name,
        weights=arguments.weights,
        size_hw=arguments.size,
        alpha=arguments.alpha,
        minimalistic=arguments.minimalistic,
        normalisation=normalisation,
        title=arguments.name,
        licence=arguments.licence,
        allow_code=arguments.allow_code,
        code=arguments.code,
    )


def add_gate_option(parser: argparse.ArgumentParser) -> None:
    """Add --gate."""
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="P.GATE=X",
        help="change a limit, such as int8.cosine_mean=0.97 or fp32.neighbour_overlap_10=0.99",
    )


def gates_of(
    arguments: argparse.Namespace, precisions: Sequence[str] | None = None
) -> Mapping[str, Gates]:
    """Return the gates with the changes that --gate asks for, all of them for `precisions`."""
    from edgefeat_export.proof.gates import GATES, parse_gate

    gates = GATES
    for text in arguments.gate:
        precision = text.partition(".")[0]
        if precisions and precision in GATES and precision not in precisions:
            raise argparse.ArgumentTypeError(
                f"--gate: {text} is for {precision}, which is not built: --precision asks for "
                f"{','.join(precisions)}"
            )
        try:
            gates = parse_gate(text, gates)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"--gate: {error}") from error
    return gates


def checked(option: str, read: Callable[[], T]) -> T:
    """Read an option's value; a ValueError becomes wrong usage."""
    try:
        return read()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{option}: {error}") from error


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
