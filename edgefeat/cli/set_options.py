"""The command-line options that say where features go, alike in every command that writes any."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from edgefeat.cli.options import add_options, read_options
from edgefeat.options.keeping import KeepOptions
from edgefeat.options.output import OutputOptions

if TYPE_CHECKING:
    from edgefeat.sets.formats import OutputPlan

__all__ = ["OUTPUT_TITLE", "add_set_options", "output_plan"]

OUTPUT_TITLE = "output"


class _PrintSchema(argparse.Action):
    """Prints the JSON Schema of a line and ends the program, as `--version` does."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        from edgefeat.sets.json_schema import json_schema

        sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
        parser.exit()


def add_set_options(parser: argparse.ArgumentParser, *, without: Collection[str] = ()) -> None:
    """Add -o, --schema and the flags of `OutputOptions`.

    Args:
        parser: The command's parser.
        without: Options that have no meaning for the command.
    """
    group = parser.add_argument_group(OUTPUT_TITLE)
    group.add_argument(
        "-o", "--output", metavar="OUT", help="file or folder to write; - is stdout; see below"
    )
    names = [name for name, _ in OutputOptions.each() if name not in without]
    add_options(parser, OutputOptions, title=OUTPUT_TITLE, only=names)
    group.add_argument(
        "--on-broken-pipe",
        choices=("end", "fail"),
        default="end",
        help="if the program that reads the output ends: end too, with exit code 0 as suits `head` "
        "(default), or fail with 3, as suits a service",
    )
    group.add_argument(
        "--schema",
        action=_PrintSchema,
        nargs=0,
        help="print the JSON Schema of a line of .jsonl or stdout, and end",
    )


def output_plan(arguments: argparse.Namespace, *, live: bool) -> OutputPlan:
    """Return what the options say of the output; without -o that is stdout.

    Args:
        arguments: The parsed command line, which has the options of `add_set_options`.
        live: Whether records come from a stream.

    Raises:
        OptionError: The options do not go together.
        SinkError: The output is there already.
    """
    options = read_options(arguments, OutputOptions)
    keeping = read_options(arguments, KeepOptions) if live else KeepOptions()
    from edgefeat.sets.formats import OutputPlan

    output = "-" if arguments.output is None else arguments.output
    return OutputPlan(output=output, live=live, options=options, keeping=keeping)
