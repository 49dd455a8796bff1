"""The cameras that a command line of `edgefeat stream` names: NAME=SOURCE, or a file of them."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from edgefeat.cli.options import group_of, positive_integer, refuse
from edgefeat.errors import OptionError

__all__ = ["add_camera_options", "cameras_of"]

_NAMED = re.compile(r"([^=/:?]+)=(.+)", re.DOTALL)
_TITLE = "several cameras"


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that go with several cameras alone."""
    group = group_of(parser, _TITLE)
    group.add_argument(
        "--cameras",
        type=Path,
        metavar="FILE",
        help="a TOML file of cameras, each with options of its own; SIGHUP reads it again",
    )
    group.add_argument(
        "--workers",
        type=positive_integer,
        metavar="N",
        help="frames of all cameras worked on at once (default: one for each core, up to 4)",
    )


def cameras_of(arguments: argparse.Namespace) -> dict[str, argparse.Namespace] | None:
    """Return the options of each camera by its name; None for one source without a name.

    The source is in the options as `source`; that of a single source is put into `arguments`.

    Raises:
        OptionError: Sources and options do not go together.
    """
    sources: list[str] = arguments.sources
    if arguments.cameras is not None:
        if sources:
            raise OptionError(
                f"names the cameras already, got {sources[0]!r} too", option="cameras"
            )
        _refuse_what_is_of_one(arguments)
        from edgefeat.cli.camera_file import read_cameras

        return read_cameras(arguments.cameras, arguments)
    if not sources:
        raise OptionError(
            "expected where frames come from, such as 0 or rtsp://camera/live", option="sources"
        )
    named = [_NAMED.fullmatch(text) for text in sources]
    if len(sources) == 1 and (named[0] is None or os.path.lexists(sources[0])):
        arguments.source = sources[0]
        refuse(arguments, "workers", problem="goes only with several cameras")
        return None
    _refuse_what_is_of_one(arguments)
    cameras: dict[str, argparse.Namespace] = {}
    for text, parts in zip(sources, named, strict=True):
        if parts is None:
            raise OptionError(
                f"expected NAME=SOURCE for each of several cameras, got {text!r}",
                option="sources",
                remedy="A name has letters, digits and . _ -, as in yard=rtsp://camera/live.",
            )
        name, source = parts.groups()
        if name in cameras:
            raise OptionError(f"two cameras are called {name!r}", option="sources")
        cameras[name] = argparse.Namespace(**{**vars(arguments), "source": source})
    return cameras


def _refuse_what_is_of_one(arguments: argparse.Namespace) -> None:
    refuse(
        arguments,
        "camera",
        problem="goes only with one source: several cameras have names",
        remedy="Leave it out.",
    )
    refuse(
        arguments,
        "calibrate",
        problem="watches one camera at a time",
        remedy="Name one source, without a name for it.",
    )
