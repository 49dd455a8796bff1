"""How far a plan is: which parts are done, what failed in them, and how long the rest takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from edgefeat.many.in_order import map_in_order
from edgefeat.places.place import FilePlace
from edgefeat.plan.part_file import PartCounts, read_counts
from edgefeat.plan.plan import CorpusPlan, part_file, part_of
from edgefeat.record import Record

__all__ = ["FailureKind", "Status", "as_json", "parts_there", "ranges_text", "status_of"]

_READS = 8
_NUMBER = re.compile(r"\d+")
_MOST_EXAMPLES = 3
_FEWEST_FOR_A_GUESS, _MOST_FOR_A_GUESS = 3, 100


class FailureKind(Record):
    """Pictures that failed for like reasons.

    Args:
        reason: What is wrong with them; where reasons differ in numbers alone, with N for those.
        count: How many.
        examples: Some of them.
    """

    reason: str
    count: int
    examples: tuple[str, ...]


class Status(Record):
    """How far a plan is.

    Args:
        plan: The plan.
        done: The numbers of the parts that are there, sorted.
        rows: Pictures that gave features.
        damaged: Rows of damaged pictures.
        failures: Pictures that gave none, by kind, the most frequent first.
        foreign: Files among the parts that are none of this plan.
        left_s: Seconds that the rest takes at the pace at which the parts came; None where nobody
            can tell.
    """

    plan: CorpusPlan
    done: tuple[int, ...]
    rows: int
    damaged: int
    failures: tuple[FailureKind, ...]
    foreign: tuple[str, ...]
    left_s: float | None = None

    @property
    def missing(self) -> list[int]:
        """The numbers of the parts that are not there."""
        there = set(self.done)
        return [part for part in range(self.plan.parts) if part not in there]

    @property
    def complete(self) -> bool:
        """Whether all parts are there."""
        return len(self.done) == self.plan.parts

    @property
    def failed(self) -> int:
        """How many pictures of the parts that are there gave no features."""
        return sum(one.count for one in self.failures)


def parts_there(place: FilePlace, plan: CorpusPlan) -> tuple[list[int], list[str]]:
    """Return the numbers of the parts that are done, sorted, and files that are no part.

    Raises:
        SourceError: The place cannot be listed.
    """
    done, foreign = [], []
    for name in place.names():
        part = part_of(name)
        if part is not None and part < plan.parts and name == part_file(part):
            done.append(part)
        elif name.endswith(".parquet"):
            foreign.append(name)
    return sorted(done), foreign


def status_of(
    place: FilePlace, plan: CorpusPlan, tell: Callable[[], object] = lambda: None
) -> Status:
    """Look at every part that is there; of each only the end of its file is read.

    Args:
        place: Where the plan is.
        plan: The plan.
        tell: Called after each part.

    Raises:
        SourceError: The place cannot be listed, or a part is damaged.
    """
    done, foreign = parts_there(place, plan)
    rows = damaged = 0
    kinds: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    wordings: dict[str, set[str]] = {}

    def look(part: int) -> PartCounts:
        name = part_file(part)
        with place.open(name) as file:
            return read_counts(file, f"{place.name}/{name}")

    for counts in map_in_order(look, done, workers=_READS, ahead=4):
        tell()
        rows += counts.rows
        damaged += counts.damaged
        for reason, count in counts.failed.items():
            kind = _NUMBER.sub("N", reason)
            kinds[kind] += count
            wordings.setdefault(kind, set()).add(reason)
            found = examples.setdefault(kind, [])
            if len(found) < _MOST_EXAMPLES:
                found.append(counts.examples[reason])
    return Status(
        plan=plan,
        done=tuple(done),
        rows=rows,
        damaged=damaged,
        failures=tuple(
            FailureKind(
                reason=kind if len(wordings[kind]) > 1 else min(wordings[kind]),
                count=count,
                examples=tuple(examples[kind]),
            )
            for kind, count in kinds.most_common()
        ),
        foreign=tuple(foreign),
        left_s=_left_s(place, plan, done),
    )


def _left_s(place: FilePlace, plan: CorpusPlan, done: list[int]) -> float | None:
    """Guess how long the rest takes from when the latest parts came."""
    if len(done) == plan.parts or len(done) < _FEWEST_FOR_A_GUESS:
        return None
    written = place.written()
    times = sorted(one for part in done if (one := written.get(part_file(part))) is not None)
    latest = times[-_MOST_FOR_A_GUESS:]
    if len(latest) < _FEWEST_FOR_A_GUESS or latest[-1] <= latest[0]:
        return None
    return (plan.parts - len(done)) * (latest[-1] - latest[0]) / (len(latest) - 1)


def as_json(status: Status) -> dict[str, Any]:
    """Return the status for programs."""
    plan = status.plan
    return {
        "complete": status.complete,
        "parts": plan.parts,
        "done": len(status.done),
        "missing": _ranges(status.missing),
        "pictures": plan.pictures,
        "rows": status.rows,
        "failed": status.failed,
        "damaged": status.damaged,
        "left_s": None if status.left_s is None else round(status.left_s),
        "failures": [
            {"reason": one.reason, "count": one.count, "examples": list(one.examples)}
            for one in status.failures
        ],
        "foreign": list(status.foreign),
        "part_size": plan.part_size,
        "model": plan.info.model,
        "fingerprint": plan.info.fingerprint,
        "not_taken": dict(plan.not_taken),
    }


def _ranges(parts: list[int]) -> list[list[int]]:
    """Return numbers as ranges, first and last: a plan may have 60,000 parts."""
    found: list[list[int]] = []
    for part in parts:
        if found and found[-1][1] == part - 1:
            found[-1][1] = part
        else:
            found.append([part, part])
    return found


def ranges_text(parts: list[int], most: int = 8) -> str:
    """Return numbers as a person reads them: `3, 17-20, ...`."""
    shown = [f"{a}" if a == b else f"{a}-{b}" for a, b in _ranges(parts)]
    more = ", ..." if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
