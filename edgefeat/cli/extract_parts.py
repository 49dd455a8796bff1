"""`edgefeat extract --plan`: the parts of a plan that this machine does."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from edgefeat.cli.options import read_options, refuse
from edgefeat.cli.stopping import stop_on_signals
from edgefeat.errors import OptionError
from edgefeat.messages.counts import counted
from edgefeat.options.corpus import CorpusOptions
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.many import ManyOptions
from edgefeat.options.output import OutputOptions
from edgefeat.options.parts import PartOptions

if TYPE_CHECKING:
    from edgefeat.plan.part_file import PartCounts

__all__ = ["run"]

_FIXED = ("outputs", "normalize", "decode", "max_pixels")


def run(arguments: argparse.Namespace) -> int:
    """Do the chosen parts; return the exit code: 1 if pictures failed.

    Raises:
        OptionError: No part is named, or an option that the plan fixes is given.
    """
    parts = read_options(arguments, PartOptions)
    many = read_options(arguments, ManyOptions)
    engine = read_options(arguments, EngineOptions)
    again = read_options(arguments, OutputOptions).overwrite
    model = read_options(arguments, ModelOptions)
    _refuse(arguments)
    if parts.plan is None or parts.part is None:
        raise OptionError("expected with a plan: I, I/N or missing", option="part")
    from edgefeat import FeatureExtractor
    from edgefeat.places.opening import open_place
    from edgefeat.plan.choosing import chosen_parts
    from edgefeat.plan.part import check_model, do_part, model_options
    from edgefeat.plan.plan import read_plan

    place = open_place(parts.plan)
    plan = read_plan(place)
    asked = threading.Event()
    started_s = time.monotonic()
    done: dict[int, PartCounts] = {}
    with (
        FeatureExtractor.from_options(model_options(plan, model), engine) as extractor,
        stop_on_signals(asked.set),
    ):
        check_model(plan, extractor, place.name)
        for part in chosen_parts(place, plan, parts.part, again=again):
            with _PartBar(part, plan.size_of(part), live=not arguments.quiet) as bar:
                counts = do_part(
                    place,
                    plan,
                    part,
                    extractor,
                    many=many,
                    reads=parts.reads,
                    tell=bar.tell,
                    stop=asked.is_set,
                )
            if counts is None:
                break
            done[part] = counts
    _say(arguments, place.name, done, stopped=asked.is_set(), seconds=time.monotonic() - started_s)
    if asked.is_set():
        return 130
    return 1 if any(counts.failures for counts in done.values()) else 0


def _refuse(arguments: argparse.Namespace) -> None:
    """Refuse what the plan says already, and what has no meaning for parts."""
    if arguments.sources:
        raise OptionError("goes without sources: the plan has them", option="plan")
    if arguments.output is not None:
        raise OptionError("has no effect: parts go to the plan's place", option="output")
    fixed = "is fixed by the plan"
    refuse(arguments, *_FIXED, *(name for name, _ in CorpusOptions.each()), problem=fixed)
    others = [name for name, _ in OutputOptions.each() if name not in ("overwrite", "store")]
    refuse(arguments, "store", problem=fixed)
    refuse(arguments, *others, "on_error", problem="has no effect on the parts of a plan")


def _say(
    arguments: argparse.Namespace,
    place: str,
    done: dict[int, PartCounts],
    *,
    stopped: bool,
    seconds: float,
) -> None:
    rows = sum(counts.rows for counts in done.values())
    failed = sum(counts.failures for counts in done.values())
    damaged = sum(counts.damaged for counts in done.values())
    if arguments.json:
        facts = {
            "place": place,
            "parts": sorted(done),
            "rows": rows,
            "failed": failed,
            "damaged": damaged,
            "complete": not stopped,
            "seconds": round(seconds, 3),
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        return
    if arguments.quiet:
        return
    words = [f"{counted(len(done), 'part')} done" if done else "no part to do"]
    if done:
        words.append(f"features of {counted(rows, 'picture')}")
    if failed:
        words.append(f"{failed} failed")
    if damaged:
        words.append(f"{damaged} of damaged pictures")
    if stopped:
        words.append("interrupted: the part that was begun is not there")
    sys.stderr.write(f"edgefeat: {', '.join(words)}, {seconds:.1f} s\n")


class _PartBar:
    """The progress of one part, which names what failed."""

    def __init__(self, part: int, pictures: int, *, live: bool) -> None:
        from edgefeat.messages.progress import Progress

        self._progress = Progress(pictures, f"part {part}", live=live)

    def tell(self, path: str, reason: str | None) -> None:
        """Count one picture."""
        if reason is not None:
            from edgefeat.cli.record_lines import printable

            self._progress.note(f"edgefeat: {printable(path)}: {reason}")
        self._progress.advance(failed=reason is not None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.close()
