"""What teaching found, told before a file is written: counts, accuracy, confusions."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.measures.similarity import l2_normalise
from edgefeat.teaching.calibration import interval
from edgefeat.teaching.head import Classifier
from edgefeat.teaching.learning import Learnt
from edgefeat.teaching.showing import Together

if TYPE_CHECKING:
    from edgefeat.corpus.summary import NotTaken
    from edgefeat.sets.record import Failure
    from edgefeat.teaching.lessons import Lessons

__all__ = ["Accuracy", "Fit", "Hard", "Size", "Taught", "TaughtClass", "report"]

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How many pictures that were left out got their own class.

    Attributes:
        right: How many.
        of: How many pictures there are.
        low: Where the share begins with 95 % confidence (Wilson's interval).
        high: Where it ends.
    """

    right: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The accuracy, 0 to 1."""
        return self.right / self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtClass:
    """One class, and what its pictures got when they were left out.

    Attributes:
        name: The class.
        pictures: How many pictures it has.
        accuracy: How many of these got this class.
        said: How many got which other class, or the unknown; the most frequent first.
    """

    name: str
    pictures: int
    accuracy: Accuracy
    said: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How near numbers of pictures that were left out came.

    Attributes:
        error: The root of the mean squared error.
        spread: The error of one who says the mean of all others for every picture.
        explained: The share of the squares that is explained: 1 - (error / spread)².
    """

    error: float
    spread: float
    explained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hard:
    """What a picture got when it was left out.

    Attributes:
        path: The picture.
        truth: The class of the picture; empty without classes.
        said: The class, number or distance that it got, as text.
        surety: The probability of its own class, or how near it is to what was shown; the smaller,
            the harder.
    """

    path: str
    truth: str
    said: str
    surety: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a taught file is.

    Attributes:
        file: How many bytes it has.
        head: The bytes of what was learnt.
        memory: The bytes that it keeps to be added to; 0 where it keeps nothing.
    """

    file: int
    head: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What was learnt, and how well.

    Attributes:
        kind: `classes`, `value` or `one_class`.
        pictures: How many different pictures count.
        before: How many of these the file had before.
        classes: The classes, in order; empty without classes.
        accuracy: Over all classes; None without classes.
        fit: How near numbers came; None without numbers.
        unknown: What pictures like none of the classes are called; None where none are.
        unlike: The share of pictures like those shown that will be called unlike; None for none.
        threshold: The distance above which a picture is unlike; None with classes or numbers.
        method: How the head was fitted.
        strength: How much it was smoothed: λ as a multiple of the scatter's scale.
        repeated: Pictures that were there already, with the same answer; they count once.
        contradicting: Pictures with the same features and different answers.
        near_duplicates: Pictures with a near-duplicate of the same answer: leaving them out one by
            one flatters. None where the model does not say what near means.
        hardest: All pictures that were shown now, the hardest first.
        failed: Pictures that gave no features.
        not_taken: Files that are no pictures, by kind.
        notes: What else was left out or chosen.
        size: How large the file is.
        features_fingerprint: Fingerprint of the model whose features these are.
    """

    kind: str
    pictures: int
    before: int
    classes: tuple[TaughtClass, ...]
    accuracy: Accuracy | None
    fit: Fit | None
    unknown: str | None
    unlike: float | None
    threshold: float | None
    method: str
    strength: float
    repeated: int
    contradicting: int
    near_duplicates: int | None
    hardest: tuple[Hard, ...]
    failed: tuple[Failure, ...]
    not_taken: tuple[NotTaken, ...]
    notes: tuple[str, ...]
    size: Size
    features_fingerprint: str


def report(
    learnt: Learnt,
    together: Together,
    lessons: Lessons,
    *,
    near: float | None,
    size: Size,
    features_fingerprint: str,
) -> Taught:
    """Return what was learnt, and how well.

    Args:
        learnt: The head.
        together: All that was shown.
        lessons: What was shown now.
        near: The smallest cosine of near-duplicates; None where the model does not say.
        size: How large the file is.
        features_fingerprint: Fingerprint of the model whose features these are.
    """
    shown, head = together.shown, learnt.head
    classes = _classes(learnt, together) if shown.labels is not None else ()
    right = sum(one.accuracy.right for one in classes)
    return Taught(
        kind=head.KIND,
        pictures=len(shown),
        before=int((shown.order < 0).sum()),
        classes=classes,
        accuracy=_accuracy(right, len(shown)) if classes else None,
        fit=None if shown.values is None else _fit(learnt.left_out.answers, shown.values),
        unknown=head.unknown if isinstance(head, Classifier) else None,
        unlike=learnt.unlike,
        threshold=getattr(head, "threshold", None) if not classes else None,
        method=learnt.method,
        strength=learnt.strength,
        repeated=together.repeated,
        contradicting=together.contradicting,
        near_duplicates=None if near is None else _near_duplicates(together, near),
        hardest=_hardest(learnt, together, lessons),
        failed=lessons.failed,
        not_taken=lessons.not_taken,
        notes=tuple(lessons.notes),
        size=size,
        features_fingerprint=features_fingerprint,
    )


def _accuracy(right: int, of: int) -> Accuracy:
    low, high = interval(right, of)
    return Accuracy(right=right, of=of, low=low, high=high)


def _names(learnt: Learnt, together: Together) -> tuple[str, ...]:
    """Return what the answers may be: the classes, and the unknown."""
    head = learnt.head
    if isinstance(head, Classifier) and head.unknown is not None:
        return (*head.classes, head.unknown)
    return together.shown.classes


def _classes(learnt: Learnt, together: Together) -> tuple[TaughtClass, ...]:
    shown, names = together.shown, _names(learnt, together)
    answers = learnt.left_out.answers.astype(np.int64)
    found = []
    for at, name in enumerate(shown.classes):
        got = np.bincount(answers[shown.labels == at], minlength=len(names))
        others = [(names[other], int(got[other])) for other in np.argsort(-got, kind="stable")]
        found.append(
            TaughtClass(
                name=name,
                pictures=int(got.sum()),
                accuracy=_accuracy(int(got[at]), int(got.sum())),
                said=tuple((other, count) for other, count in others if count and other != name),
            )
        )
    return tuple(found)


def _fit(answers: NDArray[np.float64], values: NDArray[np.float64]) -> Fit:
    count = len(values)
    error = sqrt(float(np.square(answers - values).mean()))
    others = (values.mean() * count - values) / (count - 1)
    spread = sqrt(float(np.square(others - values).mean()))
    explained = 1 - (error / spread) ** 2 if spread else 0.0
    return Fit(error=error, spread=spread, explained=explained)


def _near_duplicates(together: Together, near: float) -> int:
    """Return how many rows have another row of the same answer as near as that."""
    shown = together.shown
    unit = l2_normalise(shown.features)
    answers: NDArray[Any] | None = shown.labels if shown.labels is not None else shown.values
    count = 0
    for start in range(0, len(unit), _ROWS_AT_ONCE):
        cosines = unit[start : start + _ROWS_AT_ONCE] @ unit.T
        rows = np.arange(len(cosines))
        cosines[rows, rows + start] = -1
        if answers is not None:
            part = answers[start : start + _ROWS_AT_ONCE]
            cosines[part[:, np.newaxis] != answers[np.newaxis]] = -1
        count += int((cosines.max(axis=1) >= near).sum())
    return count


def _hardest(learnt: Learnt, together: Together, lessons: Lessons) -> tuple[Hard, ...]:
    shown, left_out = together.shown, learnt.left_out
    names = _names(learnt, together)
    found = []
    for row, place in enumerate(shown.order):
        if place < 0:
            continue
        answer = left_out.answers[row]
        if shown.labels is not None and left_out.surety is not None:
            truth, said = shown.classes[shown.labels[row]], names[int(answer)]
            surety = float(left_out.surety[row])
        elif shown.values is not None:
            truth, said = f"{shown.values[row]:g}", f"{answer:.4g}"
            surety = -abs(float(answer - shown.values[row]))
        else:
            truth, said, surety = "", f"{answer:.4g}", -float(answer)
        found.append(Hard(path=lessons.paths[place], truth=truth, said=said, surety=surety))
    return tuple(sorted(found, key=lambda one: one.surety))
