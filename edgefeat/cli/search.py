"""`edgefeat search`: the pictures of a set that are nearest to some photos."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefeat.cli.finding_options import (
    add_finding_options,
    open_photos,
    photo_extractor,
    read_time,
)
from edgefeat.cli.options import refuse, warnings_as_notes
from edgefeat.errors import OptionError
from edgefeat.options.option import whole_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgefeat.extractor import FeatureExtractor
    from edgefeat.search.results import Matches
    from edgefeat.sets.featureset import FeatureSet
    from edgefeat.sets.queries import OneQuery

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Find the pictures of a set that are nearest to some photos."
EPILOG = """\
examples:
  edgefeat search features/ cat.jpg                     the five nearest
  edgefeat search features.npz cat.jpg dog.jpg -k 10    ten for each
  edgefeat search features/ cat.jpg --where '*.png'     only names that fit (quote the pattern)
  edgefeat search features/ cat.jpg --html sheet.html   a page to look at
  edgefeat search features/ cat.jpg --json              a line of JSON for each photo
  edgefeat search features/ --camera 0 -k 1             what the camera sees now is nearest to

SET is what `edgefeat extract` or `edgefeat stream` wrote, or a folder of photos: its features are
kept in the cache and follow the folder. The search is exact and needs no index. --approximate takes
one for large sets (`pip install 'edgefeat[search]'`): it is built at the first search, which takes
minutes, and kept in the cache.
The model file is asked for only where the set was not made by the shipped one.

exit codes: 0 all done; 1 some photos failed, each named, the rest done;
2 wrong usage; 3 model or set unusable; 130 interrupted
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("set", metavar="SET", help="a set, or a folder of photos")
    add("photos", nargs="*", metavar="PHOTO", help="what to search for: file, folder or pattern")
    add("--camera", metavar="SOURCE", help="search for what a camera, URL or video shows, live")
    add("-k", type=whole_from, default=5, metavar="N", help="pictures for each photo (default: 5)")
    add("--where", metavar="PATTERN", help="only names that fit, such as '*.png' or 'garden/*'")
    add("--label", metavar="NAME", help="only pictures in a folder of this name")
    add("--since", type=read_time, metavar="TIME", help="only frames taken then or later")
    add("--until", type=read_time, metavar="TIME", help="only frames taken before then")
    add("--metric", default="cosine", metavar="NAME", help="cosine (default) or euclidean")
    add("--approximate", action="store_true", help="by an index, for large sets; see below")
    add("--html", metavar="FILE", help="write a contact sheet of what was found")
    add("--json", action="store_true", help="a line of JSON for each photo")
    add("-q", "--quiet", action="store_true", help="no progress bar, no notes")
    add_finding_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code.

    Raises:
        OptionError: Options do not go together, or one is missing.
    """
    from edgefeat import atomic
    from edgefeat.cli.not_taken import not_taken_line
    from edgefeat.cli.record_lines import printable
    from edgefeat.corpus.summary import not_taken
    from edgefeat.listing.listing import Listing

    if bool(arguments.photos) == (arguments.camera is not None):
        raise OptionError(
            "expected photos to search for, or a camera, and not both", option="camera"
        )
    if arguments.camera is not None:
        return _watch(arguments)
    if arguments.html:
        atomic.check_place(Path(arguments.html))
    there = open_photos(arguments, quiet=arguments.quiet)
    listing = Listing(archives=False)
    listing.add(arguments.photos)
    photos = listing.pictures
    failed = [f"{printable(where)}: {error.reason}" for where, error in listing.failures]
    for one in not_taken(listing.tally):
        if one.pictures or not arguments.quiet:
            sys.stderr.write(f"edgefeat: note: {not_taken_line(one)}\n")
    show = _as_json if arguments.json else _as_text
    every: list[tuple[str, Matches]] = []
    for photo, found in _found(arguments, there, photos, failed):
        sys.stdout.write(show(photo, found))
        sys.stdout.flush()
        if arguments.html:
            every.append((photo, found))
    if arguments.html:
        from edgefeat.cli import sheet
        from edgefeat.sheets.sheet import of_search

        sheet.write(of_search(there, every, metric=arguments.metric), arguments.html, quiet=True)
    for line in failed:
        sys.stderr.write(f"edgefeat: {line}\n")
    return 1 if failed else 0


def _found(
    arguments: argparse.Namespace, there: FeatureSet, photos: Sequence[str], failed: list[str]
) -> Iterator[tuple[str, Matches]]:
    """Yield what is found for each photo; what is wrong with others is added to `failed`."""
    from edgefeat.errors import ImageError

    with warnings_as_notes(arguments), photo_extractor(arguments, there) as extractor:
        for photo in photos:
            try:
                yield photo, _search(arguments, there, photo, extractor)
            except ImageError as error:
                failed.append(error.message(arguments.parser.spell))


def _search(
    arguments: argparse.Namespace,
    there: FeatureSet,
    query: OneQuery,
    extractor: FeatureExtractor,
) -> Matches:
    from edgefeat.messages.progress import Progress

    with Progress(len(there), "index: rows", live=not arguments.quiet) as progress:

        def advance(count: int) -> None:
            for _ in range(count):
                progress.advance()

        return there.search(
            query,
            arguments.k,
            metric=arguments.metric,
            where=arguments.where,
            label=arguments.label,
            since=arguments.since,
            until=arguments.until,
            approximate=arguments.approximate,
            extractor=extractor,
            on_rows=advance,
        )


def _watch(arguments: argparse.Namespace) -> int:
    """Search for each frame of a camera or video as it comes."""
    from edgefeat.streaming import stream

    refuse(arguments, "html", problem="has no effect with a camera, whose frames are not kept")
    there = open_photos(arguments, quiet=arguments.quiet)
    show = _as_json if arguments.json else _as_text
    with warnings_as_notes(arguments), photo_extractor(arguments, there) as extractor:
        for frame in stream(arguments.camera, extractor):
            found = _search(arguments, there, frame.features, extractor)
            sys.stdout.write(show(frame.path, found))
            sys.stdout.flush()
    return 0


def _as_json(photo: str, found: Matches) -> str:
    from edgefeat.sets.names import encode_name

    matches: list[dict[str, Any]] = [
        {"path": encode_name(one.path), "score": round(one.score, 6), "row": one.row}
        for one in found
    ]
    return json.dumps({"query": encode_name(photo), "matches": matches}) + "\n"


def _as_text(photo: str, found: Matches) -> str:
    from edgefeat.cli.record_lines import printable

    lines = [f"{one.score:8.3f}  {printable(one.path)}\n" for one in found]
    return "".join([f"{printable(photo)}\n", *(lines or ["  nothing fits the filters\n"])])
