"""The options of the commands that look for pictures in a set, alike in all of them."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_options, read_options
from edgefeat.messages.counts import counted
from edgefeat.options.extractor import EngineOptions, ModelOptions

if TYPE_CHECKING:
    from edgefeat.corpus.summary import Summary
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.featureset import FeatureSet

__all__ = ["add_finding_options", "open_photos", "photo_extractor", "read_time"]


def add_finding_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model made the set, and how it runs."""
    add_options(parser, ModelOptions, title="model", only={"model"})
    add_options(parser, EngineOptions, title="model")


def open_photos(arguments: argparse.Namespace, *, quiet: bool = False) -> FeatureSet:
    """Open the set that the command line names; a folder of photos is extracted first.

    Args:
        arguments: The command line.
        quiet: Whether to draw no progress bar.

    Raises:
        SinkError: It is no set, and no folder of photos.
    """
    from edgefeat.cli.corpus_bar import CorpusBar
    from edgefeat.corpus.opening import open_set

    model = read_options(arguments, ModelOptions).model
    bar = CorpusBar(wanted=not quiet)
    try:
        opened = open_set(
            arguments.set, model=model, engine=read_options(arguments, EngineOptions), on_step=bar
        )
    finally:
        bar.close()
    if opened.summary is not None:
        for line in _told(opened.summary, quiet=quiet):
            sys.stderr.write(f"edgefeat: note: {line}\n")
    return opened.features


def _told(summary: Summary, *, quiet: bool) -> list[str]:
    """Return what to know of a folder of photos that was brought up to date."""
    from edgefeat.cli.not_taken import not_taken_line

    lines = [not_taken_line(one) for one in summary.not_taken if one.pictures or not quiet]
    if summary.failures:
        pictures = counted(summary.failures, "picture")
        lines.append(f"{pictures} gave no features: {summary.output}/errors.jsonl")
    if summary.changes is not None and not quiet:
        changes = summary.changes
        counts = ((changes.new, "new"), (changes.changed, "changed"), (changes.gone, "gone"))
        if told := ", ".join(f"{count} {what}" for count, what in counts if count):
            lines.append(f"since the last time: {told}")
    return lines


def photo_extractor(arguments: argparse.Namespace, there: FeatureSet) -> FeatureExtractor:
    """Open the model that made the set, with the options that gave it its fingerprint.

    Raises:
        EdgefeatError: The set was made with another model, or the model cannot be used.
    """
    from edgefeat.sets.extractor_of import open_extractor_of

    model = read_options(arguments, ModelOptions).model
    engine = read_options(arguments, EngineOptions)
    return open_extractor_of(there.info, model, engine=engine)


def read_time(text: str) -> float:
    """Read a moment, such as `2026-11-27T18:00` (local time) or Unix seconds, as Unix seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected a time such as 2026-11-27T18:00, or Unix seconds, got {text!r}"
        ) from error
