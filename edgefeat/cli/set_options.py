"""The command-line options that say where features go, alike in every command that writes any."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgefeat.sets.formats import OutputPlan

__all__ = ["add_set_options", "output_plan"]


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


def add_set_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add -o, --resume, --overwrite, --store and --schema; return their group."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", metavar="OUT", help="file or folder to write; - is stdout; see below"
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with OUT if it is there and of the same model"
    )
    group.add_argument("--overwrite", action="store_true", help="replace OUT if it is there")
    group.add_argument(
        "--store",
        choices=["f32", "f16", "i8"],
        default="f32",
        help="how numbers are kept: float32, float16, or int8 with a scale a vector",
    )
    group.add_argument(
        "--schema",
        action=_PrintSchema,
        nargs=0,
        help="print the JSON Schema of a line of .jsonl or stdout, and end",
    )
    return group


def output_plan(arguments: argparse.Namespace, *, live: bool, batch: int = 1) -> OutputPlan:
    """Return what the options say of the output; without -o that is stdout.

    Args:
        arguments: With the options of `add_set_options`, and perhaps `shard_size`.
        live: Whether records come from a stream.
        batch: Pictures per inference.

    Raises:
        OptionError: The options do not go together.
        SinkError: The output is there already.
    """
    from edgefeat.sets.encoding import Store
    from edgefeat.sets.formats import OutputPlan

    return OutputPlan(
        output="-" if arguments.output is None else arguments.output,
        live=live,
        store=Store(arguments.store),
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        batch=batch,
        shard_size=getattr(arguments, "shard_size", None),
    )
