"""The command-line options of `edgefeat stream`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgefeat.cli.options import add_options, group_of, positive_integer, size_hw
from edgefeat.cli.set_options import OUTPUT_TITLE, add_set_options
from edgefeat.errors import OptionError
from edgefeat.options.durations import duration
from edgefeat.options.keeping import KeepOptions
from edgefeat.options.network import NetworkOptions
from edgefeat.options.stream import Limits, Selection
from edgefeat.options.video import VideoOptions

__all__ = ["add_output_options", "add_selection_options", "add_source_options"]

_WHICH, _SOURCE = "which frames", "source"
_ENDING = {"duration_s"}  # the only limit that says which frames are wanted


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where results go."""
    add_set_options(parser, without=("sync", "commit_every_s"))
    group = group_of(parser, OUTPUT_TITLE)
    add_options(parser, KeepOptions, title=OUTPUT_TITLE)
    group.add_argument("--device", metavar="NAME", help="what records call this device (its host)")
    group.add_argument("--camera", metavar="NAME", help="what records call the camera (its source)")
    group.add_argument(
        "--health", type=Path, metavar="FILE", help="live numbers as JSON, replaced each second"
    )
    group.add_argument(
        "--metrics",
        metavar="ADDRESS",
        help="answer Prometheus at a port of the loopback, or at HOST:PORT",
    )
    group.add_argument("-q", "--quiet", action="store_true", help="no live line, events, summary")


def add_selection_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which frames are wanted."""
    group = parser.add_argument_group(_WHICH)
    group.add_argument(
        "--policy",
        choices=["newest", "all"],
        help="the newest frame, counting drops (default for cameras), or every frame in order "
        "(default for the rest)",
    )
    add_options(parser, Selection, title=_WHICH)
    add_options(parser, Limits, title=_WHICH, only=_ENDING)
    group.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="a column beside every frame, for a model with a head that takes columns too; may be "
        "given several times",
    )
    group.add_argument(
        "--calibrate",
        type=_time,
        metavar="TIME",
        help="watch so long, such as 10m, while nothing happens; print how much the scene changes "
        "by itself, and which gates suit it; write no records",
    )
    group.add_argument("--frames", type=positive_integer, metavar="N", help="stop after N records")


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the source is read."""
    group = parser.add_argument_group(_SOURCE)
    group.add_argument("--watch", action="store_true", help="wait for new pictures in the folder")
    group.add_argument(
        "--size",
        dest="size_hw",
        type=size_hw,
        metavar="WxH",
        help="width and height of raw frames, or to ask of a camera",
    )
    group.add_argument(
        "--pixel",
        metavar="NAME",
        help="layout of raw frames: bgr24 (default), rgb24, gray8, yuyv422, nv12, yuv420p; or "
        "format to ask of a camera: MJPG, YUYV, ...",
    )
    group.add_argument(
        "--stride",
        type=positive_integer,
        metavar="N",
        help="bytes from one row of a raw frame to the next, where rows are padded",
    )
    group.add_argument(
        "--camera-fps",
        type=_positive,
        metavar="N",
        help="rate to ask of a camera, or at which raw frames were taken",
    )
    add_options(parser, NetworkOptions, title=_SOURCE)
    add_options(parser, VideoOptions, title=_SOURCE)
    rest = {name for name, _ in Limits.each()} - _ENDING
    add_options(parser, Limits, title=_SOURCE, only=rest)


def _time(text: str) -> float:
    try:
        return duration("calibrate", text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(error.problem) from None


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number
