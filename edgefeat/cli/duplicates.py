"""`edgefeat duplicates`: groups of near-duplicates in a set."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.finding_options import add_finding_options, open_photos
from edgefeat.cli.options import read_options
from edgefeat.errors import OptionError
from edgefeat.messages.counts import counted
from edgefeat.options.extractor import ModelOptions
from edgefeat.options.option import number_from

if TYPE_CHECKING:
    from edgefeat.sets.duplicates import Copy, DuplicateGroup, Duplicates
    from edgefeat.sets.featureset import FeatureSet

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Find groups of near-duplicates in a set."
EPILOG = """\
examples:
  edgefeat duplicates features/                    groups, with the picture to keep
  edgefeat duplicates features/ --level same       only pictures that were saved again
  edgefeat duplicates features/ --threshold 0.9    a cosine of your own
  edgefeat duplicates features/ -o groups.jsonl    a line of JSON for each group
  edgefeat duplicates features/ --html sheet.html  a page to look at
  edgefeat duplicates features/ --list > rest.txt  all pictures but those to keep
  edgefeat duplicates features/ --list --null | xargs -0 mv -t aside/

levels, as cosines that the model's maker measured on copies of photos:
  same  saved again
  near  also scaled, mirrored, brightened, cropped a little (default)
  look  worth a look

All pictures of a group are near to its medoid; groups are no chains. The picture to keep has the
most pixels, then the most bytes. Nothing is ever deleted or moved.

exit codes: 0 all done; 2 wrong usage; 3 model, set or output unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("set", metavar="SET", help="a set, or a folder of photos")
    add("--level", metavar="NAME", help="same, near or look (default: near)")
    add("--threshold", type=number_from, metavar="COSINE", help="in the place of a level")
    add("-o", "--output", metavar="FILE", help="write a line of JSON for each group")
    add("--html", metavar="FILE", help="write a contact sheet of the groups")
    add("--json", action="store_true", help="one JSON object on stdout: groups and figures")
    add("--list", action="store_true", help="print the paths of all pictures but those to keep")
    add("--null", action="store_true", help="end each path of --list with a zero byte")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_finding_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code.

    Raises:
        OptionError: Options do not go together, or one is missing.
    """
    if arguments.null and not arguments.list:
        raise OptionError("has no effect without a list", option="null", remedy="Add --list.")
    if arguments.list and arguments.json:
        raise OptionError("stands in the place of JSON; both were given", option="list")
    from edgefeat import atomic

    for place in filter(None, (arguments.output, arguments.html)):
        atomic.check_place(Path(place))
    there = open_photos(arguments, quiet=arguments.quiet)
    found = _search(arguments, there)
    if arguments.output:
        atomic.write_text(Path(arguments.output), "".join(found.json_lines()))
    if arguments.json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=1) + "\n")
    elif arguments.list:
        _list(found, end=b"\0" if arguments.null else b"\n")
    else:
        sys.stdout.writelines(_group_lines(number, one) for number, one in enumerate(found.groups))
    if arguments.html:
        from edgefeat.cli import sheet
        from edgefeat.sheets.sheet import of_duplicates

        sheet.write(of_duplicates(found), arguments.html, quiet=arguments.quiet)
    if not arguments.quiet:
        sys.stdout.flush()
        sys.stderr.write(_summary(found))
    return 0


def _search(arguments: argparse.Namespace, there: FeatureSet) -> Duplicates:
    from edgefeat.messages.progress import Progress

    model = read_options(arguments, ModelOptions).model
    with Progress(len(there), "photos", live=not arguments.quiet) as progress:

        def advance(count: int) -> None:
            for _ in range(count):
                progress.advance()

        return there.duplicates(
            arguments.level, threshold=arguments.threshold, model=model, on_rows=advance
        )


def _list(found: Duplicates, *, end: bytes) -> None:
    """Write paths as the file system has them; a name that holds a line's end needs --null."""
    paths = [os.fsencode(copy.path) for copy in found.others if copy.facts is not None]
    odd = next((path for path in paths if end in path), None)
    if odd is not None:
        raise OptionError(
            f"a name holds a line's end: {odd!r}",
            option="list",
            remedy="Add --null, and read the list with `xargs -0`.",
        )
    sys.stdout.buffer.writelines(path + end for path in paths)
    sys.stdout.buffer.flush()


def _group_lines(number: int, group: DuplicateGroup) -> str:
    lines = [f"group {number + 1}: {len(group.copies)} pictures\n"]
    for copy in group.copies:
        word = "keep" if copy is group.keep else ""
        level = copy.level or ""
        lines.append(f"{word:>6} {copy.score:.3f} {level:<4}  {_described(copy)}\n")
    return "".join(lines)


def _described(copy: Copy) -> str:
    from edgefeat.cli.record_lines import printable

    path = printable(copy.path)
    if copy.facts is None:
        return f"{path} (no such picture now)"
    height, width = copy.facts.size_hw
    return f"{path} ({width} x {height}, {copy.facts.size_bytes / 1e6:.2f} MB)"


def _summary(found: Duplicates) -> str:
    pictures = sum(len(group.copies) for group in found.groups)
    level = "" if found.level is None else f" ({found.level})"
    groups = counted(len(found.groups), "group")
    text = (
        f"edgefeat: {groups} with {pictures} of {found.rows} pictures; cosine "
        f"{found.threshold:.3f} and up{level}\n"
    )
    background = found.background
    if background.p999 is not None:
        text += (
            f"edgefeat: of {background.pairs} pairs drawn by chance 99.9 % are below "
            f"{background.p999:.3f}\n"
        )
    if found.is_crowded:
        text += (
            "edgefeat: warning: pictures of this set drawn by chance reach the threshold, so they "
            "are all alike. Look at the groups, or raise --threshold.\n"
        )
    if found.unplaced:
        text += (
            f"edgefeat: {len(found.unplaced)} pictures are near to a member of a group, but to no "
            "group's medoid, and are left alone\n"
        )
    missing = sum(copy.facts is None for group in found.groups for copy in group.copies)
    if missing:
        text += (
            f"edgefeat: {missing} pictures of groups cannot be read now; no list has them. Names "
            "are relative to the folder that the set was made in.\n"
        )
    return text
