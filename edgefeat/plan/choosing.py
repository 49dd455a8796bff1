"""Which parts a worker does: one by its number, a share of all, or what is missing."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from edgefeat.errors import OptionError
from edgefeat.places.place import FilePlace
from edgefeat.plan.plan import CorpusPlan
from edgefeat.plan.status import parts_there

__all__ = ["MISSING", "chosen_parts"]

MISSING = "missing"
_FORM = re.compile(r"(\d+)(?:/(\d+))?")


def chosen_parts(place: FilePlace, plan: CorpusPlan, choice: str, *, again: bool) -> Iterator[int]:
    """Yield the parts to do; those that are there, or come to be there meanwhile, are left out.

    Args:
        place: Where the plan is.
        plan: The plan.
        choice: `17` is part 17; `3/8` is every part whose number leaves 3 when divided by 8;
            `missing` is what is not there, in an order of its own for each worker, so that several
            rarely do the same.
        again: Whether parts that are there are done again.

    Raises:
        OptionError: It names no part.
    """
    there: set[int] = set() if again else set(parts_there(place, plan)[0])
    for part in _named(plan, choice):
        if part in there:
            continue
        yield part
        if not again:
            there |= set(parts_there(place, plan)[0])


def _named(plan: CorpusPlan, choice: str) -> list[int]:
    if choice == MISSING:
        parts = list(range(plan.parts))
        random.shuffle(parts)
        return parts
    found = _FORM.fullmatch(choice)
    if found is None:
        raise OptionError(f"expected I, I/N or {MISSING}, got {choice!r}", option="part")
    number, shares = int(found[1]), found[2]
    if shares is None:
        if number >= plan.parts:
            raise OptionError(
                f"expected 0 to {plan.parts - 1}, as the plan has {plan.parts} parts, got {number}",
                option="part",
            )
        return [number]
    if not 0 <= number < int(shares):
        raise OptionError(f"expected I/N with I from 0 to N - 1, got {choice!r}", option="part")
    return list(range(number, plan.parts, int(shares)))
