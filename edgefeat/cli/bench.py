"""`edgefeat bench`: how long features take on this device, and whether that can be believed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from edgefeat.cli import bench_options
from edgefeat.cli.options import warnings_as_notes

if TYPE_CHECKING:
    from edgefeat.bench import BenchReport
    from edgefeat.bench.statistics.rules import Rule

__all__ = ["DESCRIPTION", "EPILOG", "add_arguments", "run"]

DESCRIPTION = "Measure how long features take on this device, and whether to believe it."
EPILOG = """\
examples:
  edgefeat bench                              the shipped model on the shipped photos
  edgefeat bench photos/ --model m.onnx       your model on your pictures
  edgefeat bench rows.csv --model tab.onnx    your model for columns on your rows
  edgefeat bench --threads 1,2                both, taking turns, with their ratio
  edgefeat bench --model a.onnx --model b.onnx --json new.json --html new.html
  edgefeat bench --scenario server --latency-bound 20
  edgefeat bench 0 --scenario camera          where a frame's time goes, by kind of source
  edgefeat bench --duration 10 --compare old.json --fail-if 'p90>+10%'

Setups that are compared take turns in short blocks, so that their ratio holds even where the
machine's speed changes. A percentile is shown only if the sample supports it: p50 needs 11 calls,
p90 64, p95 130, p99 662, p99.9 6636 (MLPerf's early-stopping rule).

Two processes of one build differ by several percent for as long as they live. So a single stream
is spread over five fresh processes (--processes).

--fail-if compares with an earlier run on the same machine. A rule fails only if its growth is
reached and the 95 % interval excludes equality. A fixed piece of work, timed after every call of
both runs, tells how much faster or slower the machine itself is now; that is taken out. Runs of
--duration 10 in five processes told a growth of 10 % from none. A rule stays undecided if there are
too few calls or processes, or if a run had to wait for a busy CPU; then 'cpu>+10%', CPU time a
picture, still tells.

A run that was not fit to be believed says INVALID and why: a busy or throttled machine, or a speed
that changed meanwhile. Its milliseconds are then the machine's as much as the model's: end other
programs, let the device cool, measure longer. Ratios of setups that took turns, and --compare,
which takes the machine's change out, still hold within their intervals.

exit codes: 0 done; 1 a --fail-if rule failed, or --require-valid and the conditions were not fit;
2 wrong usage; 3 model, provider or pictures unusable, or a --fail-if rule could not be decided
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument(
        "sources",
        nargs="*",
        default=[],
        metavar="SOURCE",
        help="pictures: files, folders, patterns; or one video, camera or URL (default: samples); "
        "or a table, of models for columns",
    )
    bench_options.add(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    bench_options.check(arguments)
    if arguments.schema:
        return _print_schema()
    from edgefeat import bench
    from edgefeat.atomic import check_place
    from edgefeat.messages.progress import TerminalLine

    rules = bench_options.rules(arguments)
    for place in bench_options.places(arguments):
        check_place(place)
    old = bench.read_report(arguments.compare) if arguments.compare else None
    with warnings_as_notes(arguments), TerminalLine(live=not arguments.quiet) as line:
        report = bench.run(
            *bench_options.setups(arguments),
            pictures=arguments.sources or None,
            loads=bench_options.loads(arguments),
            cold_starts=arguments.cold_starts,
            on_progress=lambda step, share: line.draw(f"{step}: {share:.0%}"),
        )
    if not arguments.quiet:
        sys.stdout.write(bench.as_text(report))
        sys.stdout.flush()  # shown even if a file below cannot be written
    _write(report, arguments)
    code = 1 if arguments.require_valid and report.conditions.invalid else 0
    if old is not None:
        code = max(code, _compare(old, report, rules, arguments))
    return code


def _print_schema() -> int:
    from edgefeat import bench

    sys.stdout.write(json.dumps(bench.json_schema(), indent=1) + "\n")
    return 0


def _write(report: BenchReport, arguments: argparse.Namespace) -> None:
    """Write the files that were asked for."""
    from edgefeat import bench
    from edgefeat.atomic import write_text

    if arguments.json:
        bench.write_report(report, arguments.json)
    if arguments.csv:
        write_text(arguments.csv, bench.as_csv(report))
    if arguments.html:
        write_text(arguments.html, bench.as_html(report))


def _compare(
    old: BenchReport, new: BenchReport, rules: list[Rule], arguments: argparse.Namespace
) -> int:
    """Print what every rule came to; return the exit code that it asks for."""
    from edgefeat.bench import Verdict, judge
    from edgefeat.bench.report.table import judgement_line

    judgements = judge(old, new, rules) if rules else judge(old, new)
    if not arguments.quiet:
        spell = arguments.parser.spell
        sys.stdout.write(f"\nagainst {arguments.compare} of {old.created} (95 % interval)\n")
        for one in judgements:
            sys.stdout.write(judgement_line(one, as_rule=bool(rules), spell=spell) + "\n")
    verdicts = {one.verdict for one in judgements} if rules else set()
    return 1 if Verdict.FAILED in verdicts else 3 if Verdict.UNDECIDED in verdicts else 0
