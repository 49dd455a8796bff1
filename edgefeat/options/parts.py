"""The options of a worker on a plan: which plan, which of its parts, how it reads."""

from __future__ import annotations

from functools import partial

from edgefeat.errors import OptionError
from edgefeat.options.checks import whole_number
from edgefeat.options.option import Options, option, whole_from

__all__ = ["PartOptions"]

_MOST_READS = 256


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise OptionError(f"expected a text, got {value!r}", option=name)


class PartOptions(Options):
    """Which parts of which plan a worker does."""

    plan: str | None = option(
        None,
        "do parts of the plan in a folder or URL, made by `edgefeat plan`, instead of sources",
        check=_text,
        metavar="PLACE",
    )
    part: str | None = option(
        None,
        "which parts: 17 is one, 3/8 the share of worker 3 of 8 (from 0), missing what is not "
        "there; parts that are there are left out, unless --overwrite is given",
        check=_text,
        metavar="I",
    )
    reads: int = option(
        8,
        "pictures of a plan that are read at once from behind a network",
        check=partial(whole_number, most=_MOST_READS),
        read=whole_from,
        metavar="N",
    )
