"""The options of `edgefeat bench`, in the groups that its help shows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.cli.options import positive_integer

if TYPE_CHECKING:
    from edgefeat.bench.gate import Rule

__all__ = ["SCENARIOS", "add_load", "add_output", "add_setups"]

SCENARIOS = ("single-stream", "multi-stream", "server", "offline", "camera")


def add_setups(parser: argparse.ArgumentParser) -> None:
    """Add which models run, and how."""
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
        "--no-strict",
        action="store_true",
        help="accept a less preferred provider, with a warning, where the first is installed but "
        "does not start",
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add what load is put on, and for how long."""
    group = parser.add_argument_group("load")
    group.add_argument(
        "--scenario",
        action="append",
        choices=[*SCENARIOS, "all"],
        help="may be repeated (default: single-stream)",
    )
    _add_duration(group)
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


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add where results go, and what they are held against."""
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
    output.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of --json, measure nothing"
    )
    output.add_argument("-q", "--quiet", action="store_true", help="no progress, no table")


def _add_duration(group: argparse._ArgumentGroup) -> None:
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
        "--processes",
        type=positive_integer,
        default=5,
        metavar="N",
        help="fresh processes that share a single stream's time (default: 5; 1: this one alone)",
    )
    group.add_argument(
        "--cold-starts",
        type=_natural,
        default=5,
        metavar="N",
        help="fresh processes to time (default: 5; 0 for none)",
    )


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
