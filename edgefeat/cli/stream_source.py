"""The source of frames that the options of `edgefeat stream` describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgefeat.cli.options import is_given, read_options, refuse
from edgefeat.errors import OptionError
from edgefeat.options.checks import choice
from edgefeat.options.network import NetworkOptions
from edgefeat.options.video import VideoOptions

if TYPE_CHECKING:
    from edgefeat.cli.stream_screen import Screen
    from edgefeat.sources import CameraRequest, RawFormat
    from edgefeat.sources.base import Source

__all__ = ["open_source_of", "say_what_was_not_taken"]

_CAMERA_OPTIONS = ("size_hw", "pixel", "camera_fps")
_NETWORK_OPTIONS = tuple(name for name, _ in NetworkOptions.each())
_VIDEO_OPTIONS = tuple(name for name, _ in VideoOptions.each())


def open_source_of(arguments: argparse.Namespace) -> Source:
    """Return the source that the command line names; nothing is opened yet.

    Raises:
        OptionError: An option does not go with it.
        SourceError: It names nothing that can be opened.
    """
    from edgefeat.sources import open_source

    if arguments.source != "-":
        refuse(arguments, "stride", problem="goes only with raw frames on stdin")
    asked = [name for name in _CAMERA_OPTIONS if getattr(arguments, name) is not None]
    reached = [name for name in _NETWORK_OPTIONS if is_given(arguments, name)]
    decoded = [name for name in _VIDEO_OPTIONS if is_given(arguments, name)]
    try:
        return open_source(
            arguments.source,
            raw=_raw_format(arguments) if arguments.source == "-" else None,
            camera=_camera_request(arguments) if asked and arguments.source != "-" else None,
            watch=arguments.watch,
            network=read_options(arguments, NetworkOptions) if reached else None,
            video=read_options(arguments, VideoOptions) if decoded else None,
        )
    except OptionError as error:  # on the command line records have no names of their own
        if error.option == "camera":
            error.option = asked[0]
        elif error.option == "network":
            error.option = reached[0]
        elif error.option == "video":
            error.option = decoded[0]
        raise


def say_what_was_not_taken(source: Source, screen: Screen) -> None:
    """Say which files of a folder are no pictures that are read; nothing for other sources."""
    from edgefeat.cli.not_taken import not_taken_line
    from edgefeat.corpus.summary import not_taken
    from edgefeat.sources.folder import FolderSource

    if not isinstance(source, FolderSource):
        return
    for one in not_taken(source.not_taken):
        (screen.warn if one.pictures else screen.note)(not_taken_line(one))


def _raw_format(arguments: argparse.Namespace) -> RawFormat | None:
    from edgefeat.sources import PixelFormat, RawFormat

    if arguments.size_hw is None:
        refuse(
            arguments,
            *("pixel", "stride", "camera_fps"),
            problem="needs the size of the raw frames on stdin",
            remedy="Give it as in `--size 640x480`.",
        )
        return None
    pixel = choice("pixel", arguments.pixel or PixelFormat.BGR24, *PixelFormat)
    try:
        return RawFormat(
            size_hw=arguments.size_hw,
            pixel=PixelFormat(pixel),
            stride=arguments.stride,
            fps=arguments.camera_fps,
        )
    except OptionError as error:
        if error.option == "fps":
            error.option = "camera_fps"
        raise


def _camera_request(arguments: argparse.Namespace) -> CameraRequest:
    from edgefeat.sources import CameraRequest

    return CameraRequest(size_hw=arguments.size_hw, pixel=arguments.pixel, fps=arguments.camera_fps)
