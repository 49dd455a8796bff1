"""`edgefeat sheet`: a contact sheet of a set."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.finding_options import open_photos

if TYPE_CHECKING:
    from edgefeat.sheets.sheet import Sheet

__all__ = ["add_parser", "write"]

_EPILOG = """\
examples:
  edgefeat sheet features/ -o photos.html     every picture of a set, by folder

The page is one file: thumbnails are inside, and it loads nothing from anywhere else. The arrow keys
move, Enter looks, x marks, / filters by name; a button shows the paths of marked pictures.

exit codes: 0 all done; 1 some pictures could not be read, the rest is there;
2 wrong usage; 3 set or output unusable; 130 interrupted
"""


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *, purpose: str
) -> None:
    """Add the subcommand.

    Args:
        commands: The program's commands.
        purpose: What the command is for, in the program's help.
    """
    parser = commands.add_parser(
        "sheet",
        help=purpose,
        description="Write a contact sheet of a set: one HTML file with thumbnails.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("set", metavar="SET", help="a set, or a folder of photos")
    add("-o", "--output", required=True, metavar="FILE.html", help="the page; it is replaced")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat.sheets.sheet import of_set

    sheet = of_set(open_photos(arguments))
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
    if missing:
        sys.stderr.write(
            f"edgefeat: {path}: {missing} of {len(sheet.paths)} pictures cannot be read now\n"
        )
    elif not quiet:
        sys.stderr.write(f"edgefeat: {len(sheet.paths)} pictures in {path}\n")
    return missing
