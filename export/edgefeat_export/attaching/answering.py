"""What a head is to `attach`: columns, a graph behind the features, and the right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.model.columns import CategoryInput, IntegerInput, NumberInput, TextInput

__all__ = [
    "LABEL",
    "PROBABILITIES",
    "PROBABILITY_MAX",
    "VALUE",
    "ComparedRows",
    "FittedHead",
    "HeadAnswer",
    "Tensors",
    "answer_names",
]

LABEL, PROBABILITIES, VALUE = "label", "probabilities", "value"
PROBABILITY_MAX = 1e-5
Tensors = dict[str, NDArray[Any]]
DescribedColumn = NumberInput | IntegerInput | CategoryInput | TextInput


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadAnswer:
    """What a file answers.

    Attributes:
        classes: Names of the classes; None for a number.
        has_probabilities: Whether it tells probabilities.
        probability_max: How far a probability may be off.
    """

    classes: tuple[str, ...] | None
    has_probabilities: bool
    probability_max: float = PROBABILITY_MAX


def answer_names(answer: HeadAnswer) -> list[str]:
    """Return the names of the outputs that a file answers with, in order."""
    if answer.classes is None:
        return [VALUE]
    return [LABEL, PROBABILITIES] if answer.has_probabilities else [LABEL]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRows:
    """Rows on which a head and its graph are compared.

    Attributes:
        frame: A frame of pandas.
        photo: The column of photos.
        features: The model's features of the photos, float32 `(N, D)`.
        tensors: The columns as the graph takes them, by name, `(N, size)`.
    """

    frame: Any
    photo: str
    features: NDArray[np.float32]
    tensors: Tensors


class FittedHead(Protocol):
    """What stands behind the features: fitted, and known well enough to be written as a graph.

    Attributes:
        reference: What gives the right answers, for messages.
        photo: The column of photos; None where the head does not name one.
        texts: Columns of words and texts, which a CSV file must not make numbers of.
        columns: Names of the columns beside the photo, in the graph's order.
        answer: What it answers.
        last: The name of its last step.
    """

    reference: str
    photo: str | None
    texts: tuple[str, ...]
    columns: tuple[str, ...]
    answer: HeadAnswer
    last: str

    def tensors(self, frame: Any) -> Tensors:
        """Return the columns of a frame as the graph takes them.

        Raises:
            ExportError: A column is missing, or a value is none that it takes.
        """

    def described(self, tensors: Tensors) -> tuple[DescribedColumn, ...]:
        """Return what the file says of the columns.

        Args:
            tensors: Columns that were seen.
        """

    def alone(self) -> onnx.ModelProto:
        """Return the head as a model: features and columns in, answers and more out."""

    def behind(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Return a model with the head behind its features; the model is not changed.

        Raises:
            ConversionError: A column has the name of something in the model.
        """

    def wanted(self, rows: ComparedRows) -> Tensors:
        """Return the right answers, by the output's name."""

    def check_alone(self, rows: ComparedRows, got: Tensors) -> None:
        """Hold what `alone` gave to the head itself, part by part.

        Raises:
            VerificationError: A part differs; it is named, with the first row.
        """

    def ruled_rows(self, tensors: Tensors, count: int) -> list[dict[str, Any]]:
        """Return rows made by rule, for the file's self-test.

        Args:
            tensors: Columns that were seen: of them the spans are taken, and no row.
            count: How many.
        """

    def ruled_frame(self, rows: list[dict[str, Any]], photo: str, path: str) -> Any:
        """Return such rows as a frame, each with the photo at a path.

        Args:
            rows: The rows, without photos.
            photo: The name of the column of photos.
            path: The photo that stands beside each.
        """
