"""The options of an output that grows for years: when a part is full, and what is kept."""

from __future__ import annotations

import re

from edgefeat.errors import OptionError
from edgefeat.options.checks import number, switch, whole_number
from edgefeat.options.option import Options, number_from, option, whole_from
from edgefeat.record import Record

__all__ = ["KeepOptions", "PartLimit"]

_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"([1-9][0-9]*)([KMGsmhd])")


class PartLimit(Record):
    """When a part of an output is full.

    Args:
        size_bytes: How large it may be; None: any size.
        period_s: At multiples of so many seconds of Unix time a new one begins; None: never.
    """

    size_bytes: int | None = None
    period_s: int | None = None


def _limit(name: str, value: object) -> PartLimit:
    if isinstance(value, PartLimit):
        return value
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise OptionError(
            f"expected a size such as 100M or a time such as 1d, got {value!r}",
            option=name,
            remedy="K, M and G are units of bytes; s, m, h and d are units of time.",
        )
    count, unit = int(found[1]), found[2]
    if unit in _BYTES:
        return PartLimit(size_bytes=count * _BYTES[unit])
    return PartLimit(period_s=count * _SECONDS[unit])


class KeepOptions(Options):
    """How an output that grows is divided, compressed and brought to the disk."""

    rotate: PartLimit | None = option(
        None,
        "begin a new part when the output reaches a size (K, M, G) or a time of the clock in UTC "
        "(s, m, h, d), as 100M or 1d; the full part gets the time into its name (default: never)",
        check=_limit,
        metavar="LIMIT",
    )
    keep: int | None = option(
        None,
        "keep so many full parts, and delete older ones (default: all)",
        check=whole_number,
        read=whole_from,
        metavar="N",
    )
    gzip: bool = option(False, "compress full parts of a .jsonl file", check=switch)
    fsync_s: float = option(
        5.0,
        "bring records to the disk at least every so many seconds, as long as records come: a "
        "power cut loses no more",
        check=number,
        read=number_from,
        metavar="S",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("keep", "gzip"):
            if getattr(self, name) and self.rotate is None:
                raise OptionError(
                    "has no effect without rotate", option=name, remedy="Give a limit too."
                )
