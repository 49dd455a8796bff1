"""`edgefeat cluster`: groups of like pictures in a set."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.finding_options import add_finding_options, open_photos
from edgefeat.messages.counts import counted
from edgefeat.options.option import whole_from

if TYPE_CHECKING:
    from edgefeat.sets.clusters import Clusters

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

_SHOWN = 5  # pictures of each group, for people

DESCRIPTION = "Divide a set into groups of like pictures."
EPILOG = """\
examples:
  edgefeat cluster features/ -k 20                      the most typical pictures of each group
  edgefeat cluster features/ -k 20 --html groups.html   a page to look at
  edgefeat cluster features/ -k 20 -o groups.jsonl      a line of JSON for each group

Groups come by spherical k-means, the largest first. Equal sets give equal groups.

exit codes: 0 all done; 2 wrong usage; 3 set or output unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("set", metavar="SET", help="a set, or a folder of photos")
    add("-k", type=whole_from, required=True, metavar="N", help="groups, at most")
    add("-o", "--output", metavar="FILE", help="write a line of JSON for each group")
    add("--html", metavar="FILE", help="write a contact sheet of the groups")
    add("--json", action="store_true", help="one JSON object on stdout")
    add("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    add_finding_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    from edgefeat import atomic

    for place in filter(None, (arguments.output, arguments.html)):
        atomic.check_place(Path(place))
    there = open_photos(arguments, quiet=arguments.quiet)
    found = there.groups(arguments.k)
    if arguments.output:
        atomic.write_text(Path(arguments.output), "".join(found.json_lines()))
    if arguments.html:
        from edgefeat.cli import sheet
        from edgefeat.sheets.sheet import of_clusters

        sheet.write(of_clusters(there, found), arguments.html, quiet=arguments.quiet)
    sys.stdout.write(_as_json(found) if arguments.json else _as_text(found))
    if len(found.groups) < arguments.k and not arguments.quiet:
        sys.stdout.flush()
        sys.stderr.write(
            f"edgefeat: {counted(len(found.groups), 'group')}: there are not as many "
            f"different pictures as {arguments.k}\n"
        )
    return 0


def _as_json(found: Clusters) -> str:
    document = {
        "model": found.model,
        "fingerprint": found.fingerprint,
        "rows": len(found.labels),
        "groups": [json.loads(line) for line in found.json_lines()],
    }
    return json.dumps(document, indent=1) + "\n"


def _as_text(found: Clusters) -> str:
    from edgefeat.cli.record_lines import printable

    lines = []
    for number, group in enumerate(found.groups):
        lines.append(f"group {number + 1}: {counted(len(group), 'picture')}\n")
        shown = zip(group.paths[:_SHOWN], group.scores.tolist(), strict=False)
        lines += [f"{score:8.3f}  {printable(path)}\n" for path, score in shown]
        if len(group) > _SHOWN:
            lines.append(f"          and {len(group) - _SHOWN} more\n")
    return "".join(lines)
