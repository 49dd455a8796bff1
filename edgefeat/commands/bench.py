"""`edgefeat bench`: how long features take on this device, and whether that can be believed."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edgefeat.commands.options import positive_integer

if TYPE_CHECKING:
    from edgefeat.bench.gate import Rule
    from edgefeat.bench.results import Report
    from edgefeat.bench.runner import Plan

__all__ = ["add_parser"]

_SHOWN_ANYWAY = ("p50>0%", "p90>0%", "cpu>0%")
_SCENARIOS = ("single-stream", "multi-stream", "server", "offline", "camera")
_EPILOG = """\
examples:
  edgefeat bench                              the shipped model on the shipped photos, 10 s
  edgefeat bench photos/ --model m.onnx       your model on your pictures
  edgefeat bench --threads 1,2                both, taking turns, with their ratio
  edgefeat bench --model a.onnx --model b.onnx --json new.json --html new.html
  edgefeat bench --scenario server --latency-bound 20
  edgefeat bench --compare old.json --fail-if 'p90>+10%'

Setups that are compared take turns in short blocks, so that their ratio holds even where the
machine's speed changes. A percentile is printed only if the sample supports it: p90 needs 64
calls, p95 130, p99 662, p99.9 6636 (MLPerf's early-stopping rule).

--fail-if compares with an earlier run on the same machine. A rule fails only if its growth is
reached and the 95 % interval excludes equality; what the machine's own change of speed could
explain counts as noise. On a busy or throttled machine p50, p90, ... stay undecided; cpu does not.

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
        "sources", nargs="*", metavar="SOURCE", help="pictures: file, folder or pattern"
    )
    _add_setups(parser)
    _add_load(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--json", type=Path, metavar="FILE", help="everything, series included")
    output.add_argument("--csv", type=Path, metavar="FILE", help="one row a setup and stage")
    output.add_argument("--html", type=Path, metavar="FILE", help="charts in one file")
    output.add_argument("--compare", type=Path, metavar="OLD", help="an earlier --json FILE")
    output.add_argument(
        "--fail-if",
        action="append",
        type=_rule,
        default=[],
        metavar="RULE",
        help="with --compare: exit 1 if, beyond noise, e.g. 'p90>+10%%' (may be repeated)",
    )
    output.add_argument(
        "--require-valid", action="store_true", help="exit 1 if the conditions were not fit"
    )
    output.add_argument("-q", "--quiet", action="store_true", help="no progress, no table")
    parser.set_defaults(run=run, usage_error=parser.error)


def _add_setups(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to measure")
    group.add_argument(
        "--model",
        action="append",
        metavar="FILE",
        help="model file, may be repeated (default: the one shipped with edgefeat)",
    )
    group.add_argument(
        "--threads",
        type=_integers,
        default=(1,),
        metavar="LIST",
        help="threads inside one inference, such as 1,2 (default: 1)",
    )
    group.add_argument(
        "--providers",
        default="cpu",
        metavar="LIST",
        help="execution providers by preference, such as cuda,cpu (default: cpu)",
    )
    group.add_argument(
        "--no-strict", action="store_true", help="accept a less preferred provider, with a warning"
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("load")
    group.add_argument(
        "--scenario",
        action="append",
        choices=[*_SCENARIOS, "all"],
        help="may be repeated (default: single-stream)",
    )
    group.add_argument(
        "--duration",
        type=_positive,
        default=5.0,
        metavar="S",
        help="seconds a scenario and setup (default: 5)",
    )
    group.add_argument(
        "--calls",
        type=positive_integer,
        default=160,
        metavar="N",
        help="at least so many calls, however long they take (default: 160)",
    )
    group.add_argument(
        "--cold-starts",
        type=_natural,
        default=5,
        metavar="N",
        help="fresh processes to time (default: 5; 0 for none)",
    )
    group.add_argument(
        "--workers",
        type=positive_integer,
        metavar="N",
        help="pictures at once in multi-stream, server and offline (default: one a core)",
    )
    group.add_argument(
        "--streams",
        type=positive_integer,
        default=8,
        metavar="N",
        help="multi-stream: pictures a query (default: 8)",
    )
    group.add_argument(
        "--fps", type=_positive, default=30.0, metavar="F", help="camera: frames a second (30)"
    )
    group.add_argument(
        "--latency-bound",
        type=_positive,
        default=50.0,
        metavar="MS",
        help="server: what p99 must keep (default: 50)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand; return its exit code."""
    if arguments.fail_if and not arguments.compare:
        arguments.usage_error("argument --fail-if: needs --compare OLD, the run to compare with")
    from edgefeat.bench.results import read_report, write_report, write_text
    from edgefeat.bench.runner import run_plan
    from edgefeat.bench.table import as_text

    old = read_report(arguments.compare) if arguments.compare else None
    with _Steps(enabled=not arguments.quiet and sys.stderr.isatty()) as steps:
        report = run_plan(_plan(arguments), steps)
    if arguments.json:
        write_report(report, arguments.json)
    if arguments.csv:
        from edgefeat.bench.spreadsheet import as_csv

        write_text(as_csv(report), arguments.csv)
    if arguments.html:
        from edgefeat.bench.html import as_html

        write_text(as_html(report), arguments.html)
    if not arguments.quiet:
        sys.stdout.write(as_text(report))
    code = 1 if arguments.require_valid and report.conditions.invalid else 0
    if old is not None:
        code = max(code, _compare(arguments, old, report))
    return code


def _compare(arguments: argparse.Namespace, old: Report, new: Report) -> int:
    """Print what became of every rule; return the exit code it asks for."""
    from edgefeat.bench.gate import Outcome, judge, parse_rule
    from edgefeat.bench.table import judgement_line

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
    from edgefeat.bench.runner import Plan, Scenario, Setup
    from edgefeat.shipped import default_model_path

    models = [Path(name) for name in arguments.model or ()] or [default_model_path()]
    providers = tuple(name.strip() for name in arguments.providers.split(","))
    chosen = arguments.scenario or ["single-stream"]
    names = _SCENARIOS if "all" in chosen else dict.fromkeys(chosen)
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


def _rule(text: str) -> Rule:
    from edgefeat.bench.gate import parse_rule

    try:
        return parse_rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _natural(text: str) -> int:
    return 0 if text == "0" else positive_integer(text)


def _integers(text: str) -> tuple[int, ...]:
    return tuple(positive_integer(part.strip()) for part in text.split(","))
