"""`edgefeat plan`: a corpus is cut into parts that many machines do, and looked after."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from edgefeat.cli.options import (
    add_model_options,
    add_options,
    is_given,
    open_extractor,
    read_options,
    refuse,
)
from edgefeat.errors import OptionError
from edgefeat.messages.counts import counted
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.plan import PlanOptions

if TYPE_CHECKING:
    from edgefeat.plan.making import PlanMade
    from edgefeat.plan.status import Status

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Cut a corpus into parts that any machine may do, and say how far they are."
EPILOG = """\
examples:
  edgefeat plan photos/ -o /mnt/share/set             cut a corpus into parts
  edgefeat plan s3://bucket/photos/ -o s3://bucket/set
  edgefeat plan shards/*.tar -o s3://bucket/set       WebDataset's shards, or any plain tar
  edgefeat plan pics.parquet --image-column image --key-column id -o set/
  edgefeat plan --files-from urls.txt -o set/         a list of files or URLs

  edgefeat extract --plan s3://bucket/set --part 17        then, on any machine: part 17
  edgefeat extract --plan s3://bucket/set --part 3/8       the share of worker 3 of 8, from 0
  edgefeat extract --plan s3://bucket/set --part missing   whatever is not there yet

  edgefeat plan --status s3://bucket/set              how far it is; exit code 0 if complete
  edgefeat plan --status s3://bucket/set --html status.html

A part is a function of the plan alone: doing it twice writes the same bytes, and it appears whole.
So workers may be killed, restarted and doubled at any time. Names are never all in memory. A place
that holds the plan of another model, other options or another list is refused.

PLACE holds plan.json, _names/ and part-000000.parquet, ... with the columns path, features, error,
damage and those that are kept. Read it with edgefeat.FeatureSet.read(PLACE). URLs need
`pip install 'edgefeat[remote]'` and the package of their scheme (s3fs, gcsfs, adlfs, aiohttp).

exit codes: 0 planned, or complete; 1 some sources cannot be read, or parts are missing;
2 wrong usage; 3 another plan is here, or model, store or place unusable
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    add = parser.add_argument
    add("sources", nargs="*", metavar="SOURCE", help="folder, file, pattern, tar, Parquet or URL")
    add("-o", "--output", metavar="PLACE", help="folder or URL for the plan and its parts")
    add("--status", metavar="PLACE", help="say how far the plan of a place is")
    add("--html", metavar="FILE", help="write a page of the status, which works offline")
    add("--json", action="store_true", help="one JSON object on stdout")
    add("-q", "--quiet", action="store_true", help="no progress, no summary")
    add_options(parser, PlanOptions, title="plan")
    add_options(parser, CorpusOptions, title="pictures")
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code.

    Raises:
        OptionError: Options do not go together, or one is missing.
    """
    if arguments.status is not None:
        return _status(arguments)
    refuse(arguments, "html", problem="applies to --status alone")
    if arguments.output is None:
        raise OptionError("expected a PLACE, a folder or URL", option="output")
    options = read_options(arguments, CorpusOptions)
    if not arguments.sources and options.files_from is None:
        arguments.parser.error("expected a SOURCE, or names by --files-from FILE")
    return _make(arguments, options)


def _make(arguments: argparse.Namespace, options: CorpusOptions) -> int:
    from edgefeat.messages.progress import TerminalLine
    from edgefeat.plan.making import make_plan

    model = read_options(arguments, ModelOptions)
    plan = read_options(arguments, PlanOptions)
    with open_extractor(arguments) as extractor, TerminalLine(live=not arguments.quiet) as line:
        made = make_plan(
            arguments.sources,
            arguments.output,
            extractor,
            model=model,
            options=options,
            plan=plan,
            tell=lambda count: line.draw(f"planning: {count} pictures"),
        )
    _say(arguments, made)
    return 1 if made.finder.failures else 0


def _say(arguments: argparse.Namespace, made: PlanMade) -> None:
    from edgefeat.cli.not_taken import not_taken_line
    from edgefeat.corpus.summary import not_taken
    from edgefeat.places.address import shown

    finder, plan = made.finder, made.plan
    for where, error in finder.failures:
        reason = error.reason_for(arguments.parser.spell)
        sys.stderr.write(f"edgefeat: {where}: {reason}\n")
    if not arguments.quiet:
        for one in not_taken(finder.tally):
            sys.stderr.write(f"edgefeat: note: {not_taken_line(one)}\n")
        left_out = finder.excludes.by_default + finder.excludes.by_user
        if left_out:
            sys.stderr.write(f"edgefeat: note: {left_out} files and folders were left out.\n")
        for pattern in finder.excludes.of_no_use:
            sys.stderr.write(f"edgefeat: note: --exclude {pattern!r} matched nothing.\n")
    place = shown(arguments.output)
    if arguments.json:
        facts = {
            "place": place,
            "pictures": plan.pictures,
            "parts": plan.parts,
            "part_size": plan.part_size,
            "names_sha256": plan.names_sha256,
            "model": plan.info.model,
            "fingerprint": plan.info.fingerprint,
            "was_there": made.was_there,
            "failed": [{"source": where, "reason": one.reason} for where, one in finder.failures],
        }
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not arguments.quiet:
        there = ", as was planned before" if made.was_there else ""
        sys.stderr.write(
            f"edgefeat: {counted(plan.pictures, 'picture')} in {counted(plan.parts, 'part')} of "
            f"{plan.part_size}, "
            f"in {place}{there}\n"
            f"          edgefeat extract --plan {place} --part missing\n"
        )


def _status(arguments: argparse.Namespace) -> int:
    from edgefeat.messages.progress import TerminalLine
    from edgefeat.places.opening import open_place
    from edgefeat.plan.plan import read_plan
    from edgefeat.plan.status import as_json, status_of

    if arguments.sources or arguments.output is not None:
        raise OptionError("goes without sources and -o", option="status")
    for record in (PlanOptions, CorpusOptions, ModelOptions, EngineOptions):
        given = [name for name, _ in record.each() if is_given(arguments, name)]
        refuse(arguments, *given, problem="has no effect on --status")
    place = open_place(arguments.status)
    plan = read_plan(place)
    looked = 0

    with TerminalLine(live=not arguments.quiet) as line:

        def tell() -> None:
            nonlocal looked
            looked += 1
            line.draw(f"looking at parts: {looked}")

        status = status_of(place, plan, tell)
    if arguments.html is not None:
        from edgefeat.sheets.plan_page import write_plan_page

        write_plan_page(status, place.name, arguments.html)
    if arguments.json:
        sys.stdout.write(json.dumps(as_json(status)) + "\n")
    elif not arguments.quiet:
        sys.stdout.write(_as_text(place.name, status))
    return 0 if status.complete else 1


def _as_text(place: str, status: Status) -> str:
    from edgefeat.messages.progress import clock
    from edgefeat.plan.status import ranges_text

    plan = status.plan
    lines = [
        f"{place}: {len(status.done)} of {counted(plan.parts, 'part')} "
        f"({len(status.done) / plan.parts:.0%}), features of {status.rows} of "
        f"{counted(plan.pictures, 'picture')}",
    ]
    if status.missing:
        lines.append(f"  missing parts: {ranges_text(status.missing)}")
    if status.left_s is not None:
        lines.append(f"  {clock(status.left_s)} left at the pace so far")
    if status.damaged:
        lines.append(f"  {counted(status.damaged, 'row')} of damaged pictures")
    for one in status.failures:
        lines.append(f"  {one.count} failed: {one.reason}")
        lines.append(f"    such as {', '.join(one.examples)}")
    if status.foreign:
        others = counted(len(status.foreign), "other Parquet file")
        lines.append(f"  {others}: {', '.join(status.foreign[:3])}")
    return "\n".join(lines) + "\n"
