"""The flags of the commands, made from records of options, and refused where they have no effect.

A command adds the flags of a record, reads them back, and refuses those that do not apply:

    add_options(parser, EngineOptions, title="model")             # --providers, --threads, ...
    engine = read_options(arguments, EngineOptions)               # OptionError: a value is wrong
    refuse(arguments, "providers", "threads", problem="has no effect without a self-test")

`add_options` gives flags no default, so that `is_given` can tell what the user typed. A switch
whose default is True becomes `--no-NAME`; the unit at the end of a name is left out of its flag.
Which values fit is the record's business: argparse converts and checks nothing, and wrong usage has
one look (`edgefeat.cli.parser`).
"""

from __future__ import annotations

import argparse
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from edgefeat.errors import ExplainedError, OptionError
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.option import Options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from edgefeat.extractor import FeatureExtractor

__all__ = [
    "add_model_options",
    "add_options",
    "group_of",
    "is_given",
    "open_extractor",
    "positive_integer",
    "read_options",
    "refuse",
    "size_hw",
    "warnings_as_notes",
]

Record = TypeVar("Record", bound=Options)


def add_options(
    parser: argparse.ArgumentParser,
    record: type[Options],
    *,
    title: str | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Add the flags of a record of options.

    Args:
        parser: The command's parser.
        record: The record; its options without a flag are left out.
        title: The group in the command's help; the same title adds to the same group. None takes
            the parser's own group of options.
        only: The options to add; None adds all.
    """
    group = group_of(parser, title)
    for name, one in record.each():
        if not one.flag or (only is not None and name not in only):
            continue
        flag, default = _flag(name), record.default_of(name)
        words = record.words_of(name).replace("%", "%%")  # argparse formats them
        if isinstance(default, bool):
            group.add_argument(
                f"--no-{flag}" if default else f"--{flag}",
                action="store_const",
                const=not default,
                dest=name,
                default=argparse.SUPPRESS,
                help=words,
            )
        else:
            group.add_argument(
                f"--{flag}",
                action="append" if one.repeated else "store",
                dest=name,
                type=one.read,
                metavar=one.metavar,
                default=argparse.SUPPRESS,
                help=words,
            )


def read_options(
    arguments: argparse.Namespace, record: type[Record], *, without: Collection[str] = ()
) -> Record:
    """Return the record that the given flags make; options that were not given have defaults.

    Args:
        arguments: The command line.
        record: The record.
        without: Options that the command reads by itself.

    Raises:
        OptionError: A value does not fit.
    """
    given = {name: value for name, value in vars(arguments).items() if name not in without}
    return record.of(**{name: given[name] for name, _ in record.each() if name in given})


def is_given(arguments: argparse.Namespace, option: str) -> bool:
    """Return whether the user typed an option, or one that differs from the parser's default."""
    default = arguments.parser.get_default(option)
    return bool(getattr(arguments, option, default) != default)


def refuse(
    arguments: argparse.Namespace, *options: str, problem: str, remedy: str | None = None
) -> None:
    """Refuse options that the user gave although they have no effect.

    Args:
        arguments: The command line.
        options: The options by keyword, such as `max_pixels`.
        problem: What to say of the first one given, such as "has no effect without an output".
        remedy: What to do, as a sentence.

    Raises:
        OptionError: One of them was given.
    """
    for option in options:
        if is_given(arguments, option):
            raise OptionError(problem, option=option, remedy=remedy)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model runs, and how."""
    add_options(parser, ModelOptions, title="model")
    add_options(parser, EngineOptions, title="model")


def open_extractor(
    arguments: argparse.Namespace, model: ModelOptions | None = None
) -> FeatureExtractor:
    """Open the extractor that the flags describe; warnings become lines on stderr.

    Args:
        arguments: The command line.
        model: Which model and vector, where the flags do not say it.

    Raises:
        OptionError: A value does not fit.
        EdgefeatError: The model or a provider does not work.
    """
    model = model or read_options(arguments, ModelOptions)
    engine = read_options(arguments, EngineOptions)
    from edgefeat import FeatureExtractor

    with warnings_as_notes(arguments):
        return FeatureExtractor.from_options(model, engine)


@contextmanager
def warnings_as_notes(arguments: argparse.Namespace) -> Iterator[None]:
    """Show the library's warnings as lines on stderr, each once, when the block is left."""
    with warnings.catch_warnings(record=True, action="always", category=UserWarning) as caught:
        try:
            yield
        finally:
            spell = arguments.parser.spell
            texts = (
                one.message.message(spell)
                if isinstance(one.message, ExplainedError)
                else str(one.message)
                for one in caught
            )
            for text in dict.fromkeys(texts):
                sys.stderr.write(f"edgefeat: note: {text}\n")


def size_hw(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, such as 640x480; return height and width."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, such as 640x480, got {text!r}")
    return int(height), int(width)


def positive_integer(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return int(text)


def group_of(parser: argparse.ArgumentParser, title: str | None) -> argparse._ActionsContainer:
    """Return a group of the command's help, made if it is new; None is the parser's own."""
    if title is None:
        return parser
    there = (group for group in parser._action_groups if group.title == title)
    return next(there, None) or parser.add_argument_group(title)


def _flag(name: str) -> str:
    """Return an option's flag without the dashes: `latency_bound_ms` becomes `latency-bound`."""
    return name.removesuffix("_ms").removesuffix("_s").removesuffix("_hw").replace("_", "-")
