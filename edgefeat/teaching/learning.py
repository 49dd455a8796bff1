"""What was shown becomes a head, which then answers for each picture as if it never saw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.teaching.calibration import fit_threshold
from edgefeat.teaching.discriminant import NEAREST_MEAN, fit_discriminant
from edgefeat.teaching.head import Classifier, Head, OneClass, Regressor
from edgefeat.teaching.integers import grid_of, rounded_map
from edgefeat.teaching.memory import Shown
from edgefeat.teaching.novelty import fit_novelty
from edgefeat.teaching.ridge import fit_ridge

__all__ = ["Learnt", "LeftOut", "learn"]

_LEAST_OF_A_CLASS, _LEAST_ROWS = 2, 3
_SQUARES_SPARE_BITS = 3  # squares of differences have more bits than products
NORMAL, UNLIKE = "normal", "unlike"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What the head says of each picture when it never saw that one.

    Attributes:
        answers: The position of the class that is said, or the number, or the distance, `(N,)`.
        surety: The probability of the picture's own class, float64 `(N,)`; None without classes.
    """

    answers: NDArray[np.float64]
    surety: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """A head, how it came about, and what it says of pictures that it never saw.

    Attributes:
        head: The head.
        method: How it was fitted, as a part of a sentence.
        strength: The λ that was chosen, as a multiple of the scatter's scale.
        left_out: What it says of each picture without that picture.
        unlike: The share of pictures like those shown that it calls unlike, as one may expect.
    """

    head: Head
    method: str
    strength: float
    left_out: LeftOut
    unlike: float | None


def learn(shown: Shown, *, unknown: float, unknown_name: str, where: object) -> Learnt:
    """Learn a head from what was shown.

    Args:
        shown: The rows.
        unknown: The share of pictures like those shown that may be called unlike; 0 for none.
        unknown_name: What a picture of no class is called.
        where: The source, for messages.

    Raises:
        SourceError: There is too little to learn from.
    """
    features = shown.features.astype(np.float64)
    if shown.labels is not None:
        _check_classes(shown, unknown, unknown_name, where)
        return _classes(features, shown, unknown, unknown_name)
    if len(features) < _LEAST_ROWS:
        raise SourceError(
            f"{len(features)} different pictures; {_LEAST_ROWS} or more are needed", where=where
        )
    if shown.values is not None:
        return _values(features, shown.values)
    return _one_class(features, unknown)


def _check_classes(shown: Shown, unknown: float, unknown_name: str, where: object) -> None:
    if len(shown.classes) < 2:
        raise SourceError(
            f"one class, {shown.classes[0]!r}; two or more are needed",
            where=where,
            option="one_class",
            remedy="Add pictures of other things, or pass {option} to learn what these look like.",
        )
    counts = np.bincount(np.asarray(shown.labels), minlength=len(shown.classes))
    few = [name for name, count in zip(shown.classes, counts, strict=True)
           if count < _LEAST_OF_A_CLASS]  # fmt: skip
    if few:
        raise SourceError(
            f"the class {few[0]!r} has one picture; {_LEAST_OF_A_CLASS} or more that differ are "
            "needed of each class",
            where=where,
            remedy="Add pictures, or take the folder away.",
        )
    if unknown and unknown_name in shown.classes:
        raise SourceError(
            f"a class is called {unknown_name!r}, as are pictures of no class",
            where=where,
            option="unknown_name",
            remedy="Choose another name for these with {option}.",
        )


def _classes(
    features: NDArray[np.float64], shown: Shown, unknown: float, unknown_name: str
) -> Learnt:
    labels = np.asarray(shown.labels, np.intp)
    fitted = fit_discriminant(features, labels, len(shown.classes))
    grid = grid_of(features)
    best = fitted.left_out.max(axis=1)
    threshold = fit_threshold(best, unknown) if unknown else None
    head = Classifier(
        grid=grid,
        scores=rounded_map(fitted.weights, fitted.bias, grid),
        sharpness=fitted.sharpness,
        threshold=None if threshold is None else threshold.value,
        classes=shown.classes,
        unknown=None if threshold is None else unknown_name,
    )
    answers = fitted.left_out.argmax(axis=1).astype(np.float64)
    if threshold is not None:
        answers[best < threshold.value] = len(shown.classes)
    powers = np.exp(fitted.sharpness * (fitted.left_out - best[:, np.newaxis]))
    own = powers[np.arange(len(labels)), labels] / powers.sum(axis=1)
    nearest = fitted.strength >= NEAREST_MEAN
    return Learnt(
        head=head,
        method="nearest class mean" if nearest else "regularised linear discriminant",
        strength=fitted.strength,
        left_out=LeftOut(answers=answers, surety=own),
        unlike=None if threshold is None else threshold.expected,
    )


def _values(features: NDArray[np.float64], values: NDArray[np.float64]) -> Learnt:
    fitted = fit_ridge(features, values)
    grid = grid_of(features)
    return Learnt(
        head=Regressor(grid=grid, prediction=rounded_map(fitted.weights, fitted.bias, grid)),
        method="ridge regression",
        strength=fitted.strength,
        left_out=LeftOut(answers=fitted.left_out, surety=None),
        unlike=None,
    )


def _one_class(features: NDArray[np.float64], unknown: float) -> Learnt:
    fitted = fit_novelty(features)
    grid = grid_of(features, spare_bits=_SQUARES_SPARE_BITS)
    nothing = np.zeros(fitted.forgiven.shape[1])
    farthest = fit_threshold(-fitted.left_out, unknown)
    head = OneClass(
        grid=grid,
        mean=np.rint(fitted.mean * grid.scale) + 0.0,
        forgiven=rounded_map(fitted.forgiven, nothing, grid),
        threshold=-farthest.value,
        classes=(NORMAL, UNLIKE),
    )
    return Learnt(
        head=head,
        method="distance by the spread of what was shown",
        strength=fitted.strength,
        left_out=LeftOut(answers=fitted.left_out, surety=None),
        unlike=farthest.expected,
    )
