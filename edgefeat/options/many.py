"""The options of work on many pictures: how many at a time, and what a bad one does to the rest."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from edgefeat.options.checks import whole_number
from edgefeat.options.option import Options, member_of, option, whole_from

__all__ = ["ManyOptions", "OnError"]

_LARGEST_BATCH = 1024  # larger ones only cost memory; any number of pictures can be passed
_MOST_RETRIES = 10


class OnError(StrEnum):
    """What a picture that cannot be read or used does to the rest.

    `stop` ends at the first one; a function that returns features raises its `ImageError`. `skip`
    goes on without its features. Where results stand beside their pictures, something keeps its
    place: a row of NaN in an array, the `ImageError` itself in an iterator.
    """

    STOP = "stop"
    SKIP = "skip"


class ManyOptions(Options):
    """How many pictures are worked on at a time, and what a bad one does to the rest."""

    batch: int | None = option(
        None,
        "pictures for each inference (default: 1 on a CPU, where it is fastest; 16 elsewhere)",
        check=partial(whole_number, most=_LARGEST_BATCH),
        read=whole_from,
        metavar="N",
    )
    workers: int | None = option(
        None,
        "pictures worked on at once, from decoding to features (default: one for each core, up "
        "to 4)",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    on_error: OnError = option(
        OnError.SKIP,
        "what a picture that cannot be used does: stop ends at the first one, skip goes on",
        check=member_of(OnError),
        metavar="DO",
    )
    retries: int = option(
        0,
        "how often a picture that cannot be used is tried again, after pauses of up to 1 s: for "
        "network folders, and for files that are still being written",
        check=partial(whole_number, least=0, most=_MOST_RETRIES),
        read=whole_from,
        metavar="N",
    )
