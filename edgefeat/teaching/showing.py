"""Lessons, old and new, put together in one order that does not depend on how they came.

Rows are sorted by class or number, then by their bytes. So a class that is added later gives, bit
for bit, what all classes at once give. A picture that stands there twice with the same answer
counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.teaching.lessons import Lessons
from edgefeat.teaching.memory import Shown

__all__ = ["Together", "put_together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """All that was shown, and what was found while putting it together.

    Attributes:
        shown: The rows.
        repeated: Pictures that were there already, with the same answer; they count once.
        contradicting: Pictures of equal features that have different answers.
        before: Rows that the file had before.
    """

    shown: Shown
    repeated: int
    contradicting: int
    before: int


def put_together(new: Lessons, old: Shown | None, *, where: object) -> Together:
    """Put what is to be learnt together with what was learnt before.

    Args:
        new: What is to be learnt.
        old: What the file was shown before; None for a new file.
        where: The source, for messages.

    Raises:
        SourceError: Old and new are of different kinds.
    """
    names = [] if old is None or old.labels is None else [old.classes[one] for one in old.labels]
    if old is not None:
        _check_same_kind(new, old, where)
    before = 0 if old is None else len(old)
    features = new.features if old is None else np.concatenate([old.features, new.features])
    if not np.isfinite(features).all():
        raise SourceError("features that are no finite numbers cannot be learnt", where=where)
    classes = tuple(sorted({*names, *new.labels}))
    answers: NDArray[np.float64] = np.zeros(len(features))
    if new.labels:
        position = {name: at for at, name in enumerate(classes)}
        answers = np.array([position[name] for name in (*names, *new.labels)], np.float64)
    elif new.values is not None:
        past = np.empty(0) if old is None or old.values is None else old.values
        answers = np.concatenate([past, new.values])
    order = _order(features, answers)
    same = _same_as_before(features, answers, order)
    order, repeated = order[~same], int(same.sum())
    places = np.where(order < before, -1, order - before)
    shown = Shown(
        features=features[order],
        labels=answers[order].astype(np.int64) if new.labels else None,
        classes=classes,
        values=answers[order] if new.values is not None else None,
        order=places,
    )
    unique = len({row.tobytes() for row in shown.features})
    return Together(
        shown=shown,
        repeated=repeated,
        contradicting=len(shown) - unique,
        before=before,
    )


def _check_same_kind(new: Lessons, old: Shown, where: object) -> None:
    kinds = [_kind(old.labels is not None, old.values is not None),
             _kind(bool(new.labels), new.values is not None)]  # fmt: skip
    if kinds[0] != kinds[1]:
        raise SourceError(
            f"the file was taught {kinds[0]}, this would add {kinds[1]}",
            where=where,
            remedy="Add the same kind, or teach a new file.",
        )


def _kind(has_labels: bool, has_values: bool) -> str:
    if has_labels:
        return "classes"
    return "numbers" if has_values else "one class"


def _order(features: NDArray[np.float32], answers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order by answer, then by bytes; of equals the earlier one first."""
    keys: Sequence[bytes] = [row.tobytes() for row in features]
    found = sorted(range(len(keys)), key=lambda row: (answers[row], keys[row], row))
    return np.array(found, np.int64)


def _same_as_before(
    features: NDArray[np.float32], answers: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows, in order, are equal to the one before them."""
    same = np.zeros(len(order), np.bool_)
    for at in range(1, len(order)):
        one, other = order[at - 1], order[at]
        same[at] = answers[one] == answers[other] and np.array_equal(features[one], features[other])
    return same
