"""`edgefeat sheet`: a contact sheet of a set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.finding_options import add_finding_options, open_photos
from edgefeat.cli.options import refuse
from edgefeat.messages.counts import counted
from edgefeat.options.option import whole_from

if TYPE_CHECKING:
    from edgefeat.sheets.sheet import Sheet

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run", "write"]

DESCRIPTION = "Write a contact sheet of a set: one HTML file with thumbnails."
EPILOG = """\
examples:
  edgefeat sheet features/ -o photos.html     every picture of a set, by folder
  edgefeat sheet features/ --map -o map.html  every picture a dot, colours by folder
  edgefeat sheet features/ --map -k 12 -o map.html    colours by twelve groups

The page is one file: thumbnails are inside, and it loads nothing from anywhere else. The arrow keys
move, Enter looks, x marks, / filters by name; a button shows the paths of marked pictures.

exit codes: 0 all done; 1 some pictures could not be read, the rest is there;
2 wrong usage; 3 set or output unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("set", metavar="SET", help="a set, or a folder of photos")
    add("-o", "--output", required=True, metavar="FILE.html", help="the page; it is replaced")
    add("--map", action="store_true", help="a map instead: every picture a dot, like ones together")
    add(
        "--layout",
        metavar="NAME",
        help="with --map: pca (default), or umap (pip install umap-learn)",
    )
    add("-k", type=whole_from, metavar="N", help="with --map: colours by N groups, not by folder")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_finding_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.sheets.sheet import of_set

    if arguments.map:
        return 1 if _write_map(arguments) else 0
    refuse(arguments, "layout", "k", problem="has no effect without a map", remedy="Add --map.")
    sheet = of_set(open_photos(arguments, quiet=arguments.quiet))
    return 1 if write(sheet, arguments.output, quiet=arguments.quiet) else 0


def write(sheet: Sheet, path: str, *, quiet: bool) -> int:
    """Write a sheet with a progress bar; return how many pictures could not be read.

    Args:
        sheet: The sheet.
        path: The page to write.
        quiet: Whether to show no bar.

    Raises:
        SinkError: The file cannot be written.
    """
    from edgefeat.messages.progress import Progress
    from edgefeat.sheets.page import write_sheet

    with Progress(len(sheet.paths), "thumbnails", live=not quiet) as progress:
        missing = write_sheet(sheet, path, on_picture=progress.advance)
    _say(path, len(sheet.paths), missing, quiet=quiet)
    return missing


def _write_map(arguments: argparse.Namespace) -> int:
    from edgefeat import atomic
    from edgefeat.messages.progress import Progress
    from edgefeat.sheets.map_page import write_map

    atomic.check_place(Path(arguments.output))
    there = open_photos(arguments, quiet=arguments.quiet)
    clusters = None if arguments.k is None else there.groups(arguments.k)
    places = there.plane("pca" if arguments.layout is None else arguments.layout)
    with Progress(len(there), "thumbnails", live=not arguments.quiet) as progress:
        missing = write_map(
            there, places, arguments.output, clusters=clusters, on_picture=progress.advance
        )
    _say(arguments.output, len(there), missing, quiet=arguments.quiet)
    return missing


def _say(path: str, count: int, missing: int, *, quiet: bool) -> None:
    if missing:
        sys.stderr.write(
            f"edgefeat: {path}: {missing} of {counted(count, 'picture')} cannot be read now. "
            "Names are relative to the folder that the set was made in.\n"
        )
    elif not quiet:
        sys.stderr.write(f"edgefeat: {counted(count, 'picture')} in {path}\n")
