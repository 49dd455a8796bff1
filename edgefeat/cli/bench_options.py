"""The options of `edgefeat bench`: their groups in its help, and which of them go together."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.bench.plan import LOADS, Load, Setup
from edgefeat.cli.options import add_options, read_options, refuse
from edgefeat.errors import OptionError
from edgefeat.options.checks import whole_number
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.option import whole_from

if TYPE_CHECKING:
    from edgefeat.bench.statistics.rules import Rule

__all__ = ["add", "check", "loads", "places", "rules", "setups"]

_LOAD_BY_NAME = {load.name: load for load in LOADS}
_DEFAULT_LOAD = LOADS[0].name
_ALL_LOADS = "all"
_FILES = ("json", "csv", "html")
_SETUPS_TITLE = "what to measure"


def add(parser: argparse.ArgumentParser) -> None:
    """Add all options but the sources."""
    _add_setups(parser)
    _add_loads(parser)
    _add_output(parser.add_argument_group("output"))


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that have no effect beside the others.

    Raises:
        OptionError: One of them was given.
    """
    if arguments.schema:
        others = [action.dest for action in arguments.parser._actions if action.dest != "schema"]
        problem = "has no effect beside --schema, which measures nothing"
        refuse(arguments, *others, problem=problem, remedy="Leave it out.")
    if not arguments.compare:
        problem = "there is no earlier run to compare with"
        refuse(arguments, "fail_if", problem=problem, remedy="Name it with --compare OLD.")
    chosen = _chosen(arguments)
    if _DEFAULT_LOAD not in chosen:
        problem = f"only {_DEFAULT_LOAD} can be compared, and it is not measured"
        remedy = f"Add --scenario {_DEFAULT_LOAD}."
        refuse(arguments, "compare", problem=problem, remedy=remedy)
    _refuse_unused(arguments, chosen)
    _refuse_equal_places(arguments)


def setups(arguments: argparse.Namespace) -> Iterator[Setup]:
    """Yield every model with every number of threads.

    Raises:
        OptionError: A value does not fit.
    """
    model = read_options(arguments, ModelOptions, without={"model"})
    engine = read_options(arguments, EngineOptions, without={"threads"})
    for file in arguments.model or [None]:
        for threads in _threads(arguments.threads):
            yield Setup(model=replace(model, model=file), engine=replace(engine, threads=threads))


def loads(arguments: argparse.Namespace) -> list[Load]:
    """Return the loads that were chosen, with the options that were given.

    Raises:
        OptionError: A value does not fit.
    """
    return [read_options(arguments, _LOAD_BY_NAME[name]) for name in _chosen(arguments)]


def rules(arguments: argparse.Namespace) -> list[Rule]:
    """Return the rules that were given.

    Raises:
        OptionError: One of them is no rule.
    """
    from edgefeat.bench.statistics.rules import parse_rule

    return [parse_rule(text) for text in arguments.fail_if]


def places(arguments: argparse.Namespace) -> list[Path]:
    """Return the files that are to be written."""
    return [place for name in _FILES if (place := getattr(arguments, name))]


def _threads(text: str) -> list[int]:
    return [whole_number("threads", whole_from(part.strip())) for part in text.split(",")]


def _chosen(arguments: argparse.Namespace) -> list[str]:
    """Return the names of the loads to put on, each once."""
    named = arguments.scenario or [_DEFAULT_LOAD]
    return list(_LOAD_BY_NAME) if _ALL_LOADS in named else list(dict.fromkeys(named))


def _options_of(load: type[Load]) -> list[str]:
    return [name for name, _ in load.each()]


def _refuse_unused(arguments: argparse.Namespace, chosen: Sequence[str]) -> None:
    """Refuse options of loads that are not put on."""
    used = {option for name in chosen for option in _options_of(_LOAD_BY_NAME[name])}
    for option in dict.fromkeys(option for load in LOADS for option in _options_of(load)):
        if option not in used:
            with_it = [name for name, load in _LOAD_BY_NAME.items() if option in _options_of(load)]
            problem = f"has no effect on {' and '.join(chosen)}"
            remedy = f"Leave it out, or add --scenario {' or '.join(with_it)}."
            refuse(arguments, option, problem=problem, remedy=remedy)


def _refuse_equal_places(arguments: argparse.Namespace) -> None:
    seen: set[Path] = set()
    for option in _FILES:
        if place := getattr(arguments, option):
            if place.resolve() in seen:
                problem = f"another output is written to {place} too"
                raise OptionError(problem, option=option, remedy="Name a file for each.")
            seen.add(place.resolve())


def _add_setups(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(_SETUPS_TITLE)
    group.add_argument(
        "--model",
        action="append",
        metavar="FILE",
        help="model file, may be repeated (default: the one shipped with edgefeat)",
    )
    group.add_argument(
        "--threads",
        default="1",
        metavar="LIST",
        help="threads inside one inference, such as 1,2 (default: 1)",
    )
    for record, own in ((ModelOptions, "model"), (EngineOptions, "threads")):
        names = [name for name, _ in record.each() if name != own]
        add_options(parser, record, title=_SETUPS_TITLE, only=names)


def _add_loads(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("load")
    group.add_argument(
        "--scenario",
        action="append",
        choices=[*_LOAD_BY_NAME, _ALL_LOADS],
        help=f"load to put on, may be repeated (default: {_DEFAULT_LOAD})",
    )
    group.add_argument(
        "--cold-starts",
        type=whole_from,
        default=5,
        metavar="N",
        help="fresh processes to time from their start to the first feature (default: 5)",
    )
    flags: dict[str, str] = {}
    for load in LOADS:
        names = _options_of(load)
        shared = " and ".join(flags[name] for name in names if name in flags)
        parser.add_argument_group(load.name, f"{shared}, as above" if shared else None)
        add_options(
            parser, load, title=load.name, only=[name for name in names if name not in flags]
        )
        flags |= {a.dest: a.option_strings[0] for a in parser._actions if a.dest in names}


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="FILE", help="everything, series included")
    group.add_argument("--csv", type=Path, metavar="FILE", help="one row for each setup and stage")
    group.add_argument("--html", type=Path, metavar="FILE", help="charts in one file")
    group.add_argument("--compare", type=Path, metavar="OLD", help="an earlier --json FILE")
    group.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="RULE",
        help="with --compare: exit 1 if, beyond noise, e.g. 'p90>+10%%' (may be repeated)",
    )
    group.add_argument(
        "--require-valid", action="store_true", help="exit 1 if the conditions were not fit"
    )
    group.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of --json, measure nothing"
    )
    group.add_argument("-q", "--quiet", action="store_true", help="no progress, no table")
