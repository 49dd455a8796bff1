"""What a model with a head says of a picture or row, beside its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgefeat.arrays import Features
from edgefeat.errors import ModelError
from edgefeat.model.spec import ModelSpec, OutputKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Answers", "Prediction"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Prediction:
    """What a model says of one picture or row.

    Attributes:
        features: The features behind it, float32 `(D,)`, or `(H, W, C)` for a map; those of the
            backbone, in every byte.
        label: The class; None where the head gives none.
        probabilities: The probability of each class; None where the head gives none.
        value: What a regression gives, or a distance; None where the head gives none.
    """

    features: Features
    label: str | None = None
    probabilities: Mapping[str, float] | None = None
    value: float | None = None

    @property
    def probability(self) -> float | None:
        """The probability of the label; None where there is none, as for the unknown."""
        if self.label is None or self.probabilities is None:
            return None
        return self.probabilities.get(self.label)

    def __repr__(self) -> str:
        parts = [] if self.label is None else [f"label={self.label!r}"]
        if self.probability is not None:
            parts.append(f"probability={self.probability:.3f}")
        if self.value is not None:
            parts.append(f"value={self.value:g}")
        size = " x ".join(map(str, self.features.shape))
        return f"<Prediction {', '.join(parts)}: of {size} features>"


class Answers:
    """Turns outputs of a graph into predictions.

    Args:
        spec: What the model says of itself.
        where: Path of the model, for messages.

    Attributes:
        names: The outputs that are needed, features first.
        finite: The outputs that must be finite numbers, or a label that is not negative.
        classes: Names of the classes in the order of their probabilities; empty where there are
            none.

    Raises:
        ModelError: The model has no head.
    """

    def __init__(self, spec: ModelSpec, *, where: str) -> None:
        kinds = (OutputKind.LABEL, OutputKind.PROBABILITIES, OutputKind.VALUE)
        self._label, self._chances, self._value = (spec.answer(kind) for kind in kinds)
        answers = [one for one in (self._label, self._chances, self._value) if one is not None]
        if not answers:
            raise ModelError(
                "gives features and no answers: it has no head",
                where=where,
                remedy="Make one with `edgefeat teach`, or `edgefeat-export attach`; for features "
                "use FeatureExtractor or `edgefeat extract`.",
            )
        self.names = [spec.primary.name, *(one.name for one in answers)]
        self.finite = [*(one.name for one in answers), spec.primary.name]
        self._labels = () if self._label is None else self._label.classes or ()
        self.classes = (
            () if self._chances is None else self._chances.classes or ()
        ) or self._labels
        self._primary = spec.primary.name

    def prediction(self, outputs: Mapping[str, NDArray[Any]], row: int) -> Prediction:
        """Return one row's prediction.

        Args:
            outputs: float32 features and answers, and the int64 label, by name: `(N, ...)`.
            row: Which row.

        Raises:
            ModelError: The label is none of the classes.
        """
        label = probabilities = value = None
        if self._label is not None:
            place = int(outputs[self._label.name][row])
            if not 0 <= place < len(self._labels):
                raise ModelError(
                    f"the head gives class {place} of {len(self._labels)}",
                    remedy="Make the model again.",
                )
            label = self._labels[place]
        if self._chances is not None:
            numbers = outputs[self._chances.name][row].tolist()
            probabilities = dict(zip(self._chances.classes or (), numbers, strict=True))
            if label is None:
                label = max(probabilities, key=probabilities.__getitem__)
        if self._value is not None:
            value = float(outputs[self._value.name][row].reshape(-1)[0])
        return Prediction(
            features=outputs[self._primary][row],
            label=label,
            probabilities=probabilities,
            value=value,
        )
