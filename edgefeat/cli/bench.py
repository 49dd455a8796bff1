"""`edgefeat bench`: how long features take on this device, and whether that can be believed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edgefeat.cli.bench_options import SCENARIOS, add_load, add_output, add_setups

if TYPE_CHECKING:
    from edgefeat.bench.plan import Plan
    from edgefeat.bench.results import Report

__all__ = ["add_parser"]

_SHOWN_ANYWAY = ("p50>0%", "p90>0%", "cpu>0%")
_EPILOG = """\
examples:
  edgefeat bench                              the shipped model on the shipped photos
  edgefeat bench photos/ --model m.onnx       your model on your pictures
  edgefeat bench --threads 1,2                both, taking turns, with their ratio
  edgefeat bench --model a.onnx --model b.onnx --json new.json --html new.html
  edgefeat bench --scenario server --latency-bound 20
  edgefeat bench --duration 10 --compare old.json --fail-if 'p90>+10%'

Setups that are compared take turns in short blocks, so that their ratio holds even where the
machine's speed changes. A percentile is printed only if the sample supports it: p90 needs 64
calls, p95 130, p99 662, p99.9 6636 (MLPerf's early-stopping rule).

Two processes of one build differ by several percent for as long as they live, so a single stream
is spread over five fresh ones (--processes).

--fail-if compares with an earlier run on the same machine. A rule fails only if its growth is
reached and the 95 % interval excludes equality. A fixed piece of work, timed after every call of
both runs, tells how much faster or slower the machine itself is now; that is taken out. Runs of
--duration 10 in five processes told a growth of 10 % from none. A rule stays undecided if there are
too few calls or processes, or a run had to wait for a busy CPU; then 'cpu>+10%', CPU time a
picture, still tells.

A run that was not fit to be believed says INVALID and why: a busy or throttled machine, or a speed
that changed meanwhile. Its milliseconds are then the machine's as much as the model's: end other
programs, let the device cool, measure longer. Ratios of setups that took turns, and --compare,
which takes the machine's change out, still hold within their intervals.

exit codes: 0 done; 1 a --fail-if rule failed, or --require-valid and the conditions were not fit;
2 wrong usage; 3 model, provider or pictures unusable, or a --fail-if rule could not be decided
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "bench",
        help="measure latency, throughput, cold start and memory",
        description="Measure how long features take on this device, and whether to believe it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="pictures: files, folders, patterns; or one video, camera or URL (default: samples)",
    )
    add_setups(parser)
    add_load(parser)
    add_output(parser)
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    if arguments.schema:
        from edgefeat.bench.report.schema import json_schema

        sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
        return 0
    if arguments.fail_if and not arguments.compare:
        arguments.usage_error("--fail-if: needs --compare OLD, the run to compare with")
    from edgefeat.atomic import check_place, write_text
    from edgefeat.bench.report.files import read_report, write_report
    from edgefeat.bench.report.table import as_text
    from edgefeat.bench.runner import run_plan

    for place in filter(None, (arguments.json, arguments.csv, arguments.html)):
        check_place(place)
    old = read_report(arguments.compare) if arguments.compare else None
    try:
        plan = _plan(arguments)
    except ValueError as error:  # stdin, which would have to be described first
        arguments.usage_error(str(error))
    with _Steps(enabled=not arguments.quiet and sys.stderr.isatty()) as steps:
        report = run_plan(plan, steps)
    if not arguments.quiet:
        sys.stdout.write(as_text(report))
        sys.stdout.flush()  # kept even if a file below cannot be
    if arguments.json:
        write_report(report, arguments.json)
    if arguments.csv:
        from edgefeat.bench.report.spreadsheet import as_csv

        write_text(arguments.csv, as_csv(report))
    if arguments.html:
        from edgefeat.bench.report.html import as_html

        write_text(arguments.html, as_html(report))
    code = 1 if arguments.require_valid and report.conditions.invalid else 0
    if old is not None:
        code = max(code, _compare(arguments, old, report))
    return code


def _compare(arguments: argparse.Namespace, old: Report, new: Report) -> int:
    """Print what became of every rule; return the exit code it asks for."""
    from edgefeat.bench.gate import Outcome, judge, parse_rule
    from edgefeat.bench.report.table import judgement_line

    rules = arguments.fail_if or [parse_rule(text) for text in _SHOWN_ANYWAY]
    judgements = judge(old, new, rules)
    if not arguments.quiet:
        sys.stdout.write(f"\nagainst {arguments.compare} of {old.created} (95 % interval)\n")
        sys.stdout.writelines(
            judgement_line(one, as_rule=bool(arguments.fail_if)) + "\n" for one in judgements
        )
    outcomes = {one.outcome for one in judgements} if arguments.fail_if else set()
    return 1 if Outcome.FAILED in outcomes else 3 if Outcome.UNDECIDED in outcomes else 0


def _plan(arguments: argparse.Namespace) -> Plan:
    from edgefeat.bench.pictures import load_pictures, sample_pictures
    from edgefeat.bench.plan import Plan, Scenario, Setup
    from edgefeat.model.shipped import default_model_path

    models = [Path(name) for name in arguments.model or ()] or [default_model_path()]
    providers = tuple(name.strip() for name in arguments.providers.split(","))
    chosen = arguments.scenario or ["single-stream"]
    names = SCENARIOS if "all" in chosen else dict.fromkeys(chosen)
    return Plan(
        setups=tuple(
            Setup(model=model, threads=threads, providers=providers, strict=not arguments.no_strict)
            for model in models
            for threads in arguments.threads
        ),
        pictures=load_pictures(arguments.sources) if arguments.sources else sample_pictures(),
        scenarios=tuple(Scenario(name) for name in names),
        duration_s=arguments.duration,
        min_calls=arguments.calls,
        processes=arguments.processes,
        cold_starts=arguments.cold_starts,
        workers=arguments.workers or len(os.sched_getaffinity(0)),
        streams=arguments.streams,
        fps=arguments.fps,
        bound_ms=arguments.latency_bound,
    )


class _Steps:
    """One line on the terminal: what is being measured, and how much of it is done."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._shown = ""

    def __call__(self, step: str, share: float) -> None:
        line = f"{step}: {share:.0%}"
        if self._enabled and line != self._shown:
            self._shown = line
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._enabled:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
