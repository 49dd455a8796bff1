"""The order that a set is to have: what is there already in it, and what has still to be done.

It goes through memory as one list of names and one of numbers, since a set may have millions.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgefeat.sets.stamps import FileStamp, Look, still_the_same
from edgefeat.sets.stock import Place, Stock

__all__ = ["FAILED", "LOOSE", "TODO", "Changes", "TargetOrder", "changes_in_step", "changes_kept"]

TODO, FAILED, LOOSE = -1, -2, -3
"""What stands in the place of a row's place: work, a failure that is known, a row of a tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How a set that is there differs from the pictures that a run was given.

    Args:
        new: Pictures that the set did not have.
        changed: Pictures whose files are no longer what they were.
        gone: Rows and failures of the set that are not among the pictures.
        retried: Pictures that failed before and were tried again.
        mended: Rows that were done again because their shard was damaged.
        unreadable_names: Rows of damaged shards whose names are lost too.
    """

    new: int = 0
    changed: int = 0
    gone: int = 0
    retried: int = 0
    mended: int = 0
    unreadable_names: int = 0


class TargetOrder:
    """Names in order, each with its place in the stock, or `TODO`, `FAILED` or `LOOSE`.

    Attributes:
        names: What the entries are called.
        places: Where they are.
        stamps: The new stamps of files that were touched and not changed, by name.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: array[int] = array("q")
        self.stamps: dict[str, FileStamp] = {}

    @classmethod
    def of_the_set(cls, stock: Stock) -> TargetOrder:
        """Return the order of the set that is there."""
        target = cls()
        for number, shard in enumerate(stock.shards[: stock.set_shards]):
            for row, name in enumerate(shard.names):
                target.add(name, stock.place(number, row) if shard.fault is None else TODO)
            for failure in stock.failures[number]:
                target.add(failure.path, FAILED)
        for loose in stock.loose:
            target.add(loose.path, LOOSE)
        return target

    @classmethod
    def in_step(cls, names: Sequence[str], stock: Stock, look: Look) -> TargetOrder:
        """Return the order of some pictures; rows whose files are unchanged are taken over.

        Args:
            names: Names of the pictures, in order.
            stock: What the folder holds.
            look: Looks at the files.
        """
        target = cls()
        for name in names:
            target.add(name, target._place_in_step(name, stock, look))
        return target

    def add(self, name: str, place: Place) -> None:
        """Add an entry."""
        self.names.append(name)
        self.places.append(place)

    def todo(self) -> list[str]:
        """Return the names of what has still to be done, in order."""
        pairs = zip(self.names, self.places, strict=True)
        return [name for name, place in pairs if place == TODO]

    def _place_in_step(self, name: str, stock: Stock, look: Look) -> Place:
        row = stock.loose_row(name)
        if row is not None and row.features is not None and self._is_same(name, row.stamp, look):
            return LOOSE
        for place in (stock.spare(name), stock.of_the_set(name)):
            if place is not None and self._is_same(name, stock.stamp(place), look):
                return place
        return TODO

    def _is_same(self, name: str, before: FileStamp | None, look: Look) -> bool:
        now = still_the_same(name, before, look)
        if now is None:
            return False
        if now != before:
            self.stamps[name] = now
        return True


def changes_in_step(names: Sequence[str], target: TargetOrder, stock: Stock) -> Changes:
    """Count what a sync does.

    Args:
        names: Names of the pictures, in order.
        target: The order that the sync makes.
        stock: What the folder holds.
    """
    failed = {failure.path for failures in stock.failures for failure in failures}
    failed |= {row.path for row in stock.loose if row.features is None}
    new = changed = retried = mended = 0
    damaged = {name for shard in _damaged(stock) for name in shard}
    for name in target.todo():
        if name in damaged:
            mended += 1
        elif stock.of_the_set(name) is not None or stock.loose_row(name) is not None:
            changed += name not in failed
            retried += name in failed
        else:
            retried += name in failed
            new += name not in failed
    given = set(names)
    gone = sum(name not in given for name in stock.names())
    return Changes(
        new=new,
        changed=changed,
        gone=gone,
        retried=retried,
        mended=mended,
        unreadable_names=_lost(stock),
    )


def changes_kept(names: Iterable[str], stock: Stock, look: Look | None) -> Changes:
    """Count how pictures differ from the set, whose rows all stay as they are.

    Args:
        names: Names of the pictures.
        stock: What the folder holds.
        look: Looks at the files; None counts no change of a file.
    """
    given = set(names)
    known = set(stock.names())
    changed = 0
    for name in given & known if look is not None else ():
        place = stock.of_the_set(name)
        before = None if place is None else stock.stamp(place)
        now = look.stamp(name) if look is not None and before is not None else None
        if now is not None and before is not None:
            same = (now.size_bytes, now.mtime_ns) == (before.size_bytes, before.mtime_ns)
            changed += not same
    return Changes(
        new=len(given - known),
        changed=changed,
        gone=len(known - given),
        mended=sum(map(len, _damaged(stock))),
        unreadable_names=_lost(stock),
    )


def _damaged(stock: Stock) -> list[Sequence[str]]:
    shards = stock.shards[: stock.set_shards]
    return [shard.names for shard in shards if shard.fault is not None]


def _lost(stock: Stock) -> int:
    shards = stock.shards[: stock.set_shards]
    return sum(s.record.rows for s in shards if s.fault is not None and not s.names)
