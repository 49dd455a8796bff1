"""The options of the commands that look for pictures in a set, alike in all of them."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING

from edgefeat.cli.options import add_options, read_options
from edgefeat.options.extractor import EngineOptions, ModelOptions

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.sets.featureset import FeatureSet

__all__ = ["add_finding_options", "open_photos", "photo_extractor", "read_time"]


def add_finding_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which model made the set, and how it runs."""
    add_options(parser, ModelOptions, title="model", only={"model"})
    add_options(parser, EngineOptions, title="model")


def open_photos(arguments: argparse.Namespace) -> FeatureSet:
    """Open the set that the command line names.

    Raises:
        SinkError: It is no set.
    """
    from edgefeat.sets.featureset import FeatureSet

    return FeatureSet.read(arguments.set)


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
