"""Command-line options that several subcommands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["add_model_options", "open_extractor"]


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which model runs, and how."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", metavar="FILE", help="model file (default: the one shipped with edgefeat)"
    )
    group.add_argument(
        "--providers",
        metavar="LIST",
        default="cpu",
        help="execution providers by preference, such as cuda,cpu; auto takes the first "
        "accelerator that passes the model's self-test (default: cpu)",
    )
    group.add_argument(
        "--no-strict",
        action="store_true",
        help="accept a less preferred provider, with a warning, where the first is installed but "
        "does not start",
    )
    group.add_argument(
        "--threads",
        type=positive_integer,
        default=1,
        metavar="N",
        help="threads inside one inference (default: 1)",
    )
    group.add_argument("--normalize", action="store_true", help="scale every vector to unit length")
    group.add_argument(
        "--decode",
        choices=["full", "reduced"],
        help="override how large JPEGs are decoded (default: as the model says)",
    )
    group.add_argument(
        "--max-pixels",
        type=positive_integer,
        default=100_000_000,
        metavar="N",
        help="refuse pictures that claim more pixels (default: 100000000)",
    )


def open_extractor(arguments: argparse.Namespace) -> FeatureExtractor:
    """Open the extractor that the options describe."""
    from edgefeat.extractor import FeatureExtractor

    return FeatureExtractor(
        arguments.model,
        providers=[name.strip() for name in arguments.providers.split(",")],
        strict=not arguments.no_strict,
        threads=arguments.threads,
        normalize=arguments.normalize,
        decode=arguments.decode,
        max_pixels=arguments.max_pixels,
    )


def positive_integer(text: str) -> int:
    """Read a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, got {text!r}")
    return int(text)
