"""The command-line options of `edgefeat stream`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgefeat.cli.options import positive_integer
from edgefeat.cli.set_options import add_set_options

__all__ = ["add_output_options", "add_selection_options", "add_source_options"]


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where results go."""
    group = add_set_options(parser)
    group.add_argument(
        "--health", type=Path, metavar="FILE", help="live numbers as JSON, replaced each second"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="no live line, events, summary")


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which frames are wanted."""
    group = parser.add_argument_group("which frames")
    group.add_argument(
        "--policy",
        choices=["newest", "all"],
        help="the newest frame, counting drops (default for cameras), or every frame in order "
        "(default for the rest)",
    )
    group.add_argument(
        "--fps",
        type=_positive,
        metavar="N",
        help="at most N frames a second of the source's own time",
    )
    group.add_argument(
        "--every", type=positive_integer, default=1, metavar="N", help="one frame of N"
    )
    group.add_argument(
        "--roi", type=_roi, metavar="X,Y,W,H", help="part of the picture, in pixels or shares"
    )
    group.add_argument(
        "--motion",
        type=_positive,
        metavar="T",
        help="skip inference unless a 16x16 block of the model's input changed by more than T "
        "grey levels (4 to 16 suit most cameras)",
    )
    group.add_argument(
        "--novelty",
        type=_positive,
        metavar="EPS",
        help="write only features further than this cosine distance from the last ones",
    )
    group.add_argument(
        "--duration",
        dest="duration_s",
        type=_positive,
        metavar="S",
        help="stop after S seconds, whatever came",
    )
    group.add_argument("--frames", type=positive_integer, metavar="N", help="stop after N records")


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the source is read."""
    group = parser.add_argument_group("source")
    group.add_argument("--watch", action="store_true", help="wait for new pictures in the folder")
    group.add_argument(
        "--size",
        dest="size_hw",
        type=_size,
        metavar="WxH",
        help="width and height of raw frames, or to ask of a camera",
    )
    group.add_argument(
        "--pixel",
        metavar="NAME",
        help="layout of raw frames: bgr24 (default), rgb24, gray8, yuyv422, nv12; or format to "
        "ask of a camera: MJPG, YUYV, ...",
    )
    group.add_argument("--camera-fps", type=_positive, metavar="N", help="rate to ask of a camera")
    group.add_argument(
        "--timeout",
        dest="timeout_s",
        type=_positive,
        default=5.0,
        metavar="S",
        help="longest wait to connect and for a frame (default: 5)",
    )
    group.add_argument(
        "--reconnect",
        type=int,
        metavar="N",
        help="failed attempts in a row before giving up; 0: never reconnect (default: no limit)",
    )
    group.add_argument(
        "--wait", action="store_true", help="wait for a camera that is not there at the start"
    )


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, as 640x480, got {text!r}")
    return int(height), int(width)


def _roi(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"expected X,Y,W,H, got {text!r}")
    return numbers
