"""What stands behind the features: a head that gives a label, a number or a distance.

Each head is told twice, by NumPy (`answers`) and as nodes of a graph (`edgefeat.teaching.graph`),
from the same whole numbers. Before a file is written both must say the same of every picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgefeat.model.outputs import OutputKind, OutputSpec
from edgefeat.teaching.integers import Grid, Rounded

__all__ = ["Classifier", "Head", "OneClass", "Regressor"]

Array = NDArray[np.float64]
Answers = dict[str, NDArray[Any]]
LABEL, PROBABILITIES, VALUE, DISTANCE = "label", "probabilities", "value", "distance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """A label with probabilities.

    Attributes:
        KIND: What the model file calls heads of this kind.
        grid: How features become whole numbers.
        scores: The scores of the classes.
        sharpness: What probabilities are made with: softmax of the scores times this.
        threshold: A best score below this is of no class; None where every picture is of one.
        classes: Names of the classes, in order.
        unknown: What a picture of no class is called; None without a threshold.
    """

    KIND: ClassVar[str] = "classes"

    grid: Grid
    scores: Rounded
    sharpness: float
    threshold: float | None
    classes: tuple[str, ...]
    unknown: str | None

    @property
    def whole_threshold(self) -> float | None:
        """The threshold among the whole numbers of the scores."""
        return (
            None if self.threshold is None else float(np.floor(self.threshold * self.scores.unit))
        )

    @property
    def whole_sharpness(self) -> float:
        """The sharpness for the whole numbers of the scores."""
        return self.sharpness / self.scores.unit

    def answers(self, features: NDArray[np.float32]) -> Answers:
        """Return label, int64 `(N,)`, and probabilities, float32 `(N, K)`, of float32 `(N, D)`."""
        scores = self.scores(self.grid(features))
        best = scores.max(axis=1)
        label = scores.argmax(axis=1).astype(np.int64)
        if (threshold := self.whole_threshold) is not None:
            label = np.where(best < threshold, len(self.classes), label)
        powers = np.exp((scores - best[:, np.newaxis]) * self.whole_sharpness)
        shares = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        return {LABEL: label, PROBABILITIES: shares}

    def outputs(self) -> tuple[OutputSpec, ...]:
        """Return what the model file says of the head's outputs."""
        count = len(self.classes)
        named = self.classes if self.unknown is None else (*self.classes, self.unknown)
        return (
            _output(LABEL, OutputKind.LABEL, (), named),
            _output(PROBABILITIES, OutputKind.PROBABILITIES, (count,), self.classes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressor:
    """A number.

    Attributes:
        KIND: What the model file calls heads of this kind.
        grid: How features become whole numbers.
        prediction: The number.
    """

    KIND: ClassVar[str] = "value"

    grid: Grid
    prediction: Rounded

    def answers(self, features: NDArray[np.float32]) -> Answers:
        """Return the number, float32 `(N, 1)`, of features, float32 `(N, D)`."""
        whole = self.prediction(self.grid(features))
        return {VALUE: (whole * (1 / self.prediction.unit)).astype(np.float32)}

    def outputs(self) -> tuple[OutputSpec, ...]:
        """Return what the model file says of the head's output."""
        return (_output(VALUE, OutputKind.VALUE, (1,), None),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneClass:
    """Whether a picture is like those that were shown, and its distance from them.

    Attributes:
        KIND: What the model file calls heads of this kind.
        grid: How features become whole numbers.
        mean: What was shown, in these whole numbers, float64 `(D,)`.
        forgiven: The directions in which it differs; its bias is 0.
        threshold: A distance above this is unlike all that was shown.
        classes: What pictures are called: like those shown, and unlike them.
    """

    KIND: ClassVar[str] = "one_class"

    grid: Grid
    mean: Array
    forgiven: Rounded
    threshold: float
    classes: tuple[str, ...]

    @property
    def whole_threshold(self) -> float:
        """The largest square of a distance that is not unlike, as a whole number."""
        return float(np.floor((self.threshold * self.grid.scale) ** 2))

    @property
    def back(self) -> float:
        """What brings products with `forgiven` back to the unit of the features; a power of 2."""
        return self.grid.scale / self.forgiven.unit

    def squares(self, features: NDArray[np.float32]) -> Array:
        """Return squared distances as whole numbers, float64 `(N,)`."""
        z = self.grid(features) - self.mean
        forgiven = np.rint(self.forgiven(z) * self.back)
        squares: Array = np.einsum("nd,nd->n", z, z) - np.einsum("nr,nr->n", forgiven, forgiven)
        return np.maximum(squares, 0)

    def answers(self, features: NDArray[np.float32]) -> Answers:
        """Return label, int64 `(N,)`, and distance, float32 `(N, 1)`, of float32 `(N, D)`."""
        squares = self.squares(features)
        distance = (np.sqrt(squares) * (1 / self.grid.scale)).astype(np.float32)
        label = (squares > self.whole_threshold).astype(np.int64)
        return {LABEL: label, DISTANCE: distance[:, np.newaxis]}

    def outputs(self) -> tuple[OutputSpec, ...]:
        """Return what the model file says of the head's outputs."""
        return (
            _output(LABEL, OutputKind.LABEL, (), self.classes),
            _output(DISTANCE, OutputKind.VALUE, (1,), None),
        )


Head: TypeAlias = Classifier | Regressor | OneClass


def _output(
    name: str, kind: OutputKind, shape: tuple[int, ...], classes: tuple[str, ...] | None
) -> OutputSpec:
    return OutputSpec(name=name, kind=kind, shape=shape, source_layer="taught", classes=classes)
