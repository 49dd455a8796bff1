"""A fitted pipeline of scikit-learn as a head."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from edgefeat_export.attaching import gates
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    VALUE,
    ComparedRows,
    DescribedColumn,
    Tensors,
)
from edgefeat_export.attaching.graphs import add_unseen, alone, behind
from edgefeat_export.attaching.refusing import class_of
from edgefeat_export.attaching.rows import span_of, tensor_of
from edgefeat_export.attaching.taking_apart import take_apart
from edgefeat_export.border import explained
from edgefeat_export.errors import ConversionError

__all__ = ["PipelineHead"]


class PipelineHead:
    """A pipeline of ImageFeatures, columns and an estimator; see `answering.FittedHead`.

    Args:
        pipeline: The pipeline.
        fingerprint: Fingerprint of the model that its features must be of.
        dim: How many numbers these have.

    Raises:
        ConversionError: Some part cannot be in a file, or its features are another model's.
    """

    reference = "scikit-learn"
    texts: tuple[str, ...] = ()  # scikit-learn takes columns as pandas reads them

    def __init__(self, pipeline: Any, fingerprint: str, dim: int) -> None:
        self._pipeline, self._dim = pipeline, dim
        self._taken = take_apart(pipeline, fingerprint, dim)
        add_unseen(self._taken)
        self.photo = self._taken.photo
        self.columns = tuple(self._taken.columns)
        self.answer = self._taken.answer
        self.last = class_of(pipeline.steps[-1][1])

    def tensors(self, frame: Any) -> Tensors:
        """Return the columns of a frame as float64 or objects, `(N, 1)`.

        Raises:
            ExportError: A column is missing, or a value is none that it takes.
        """
        return {name: tensor_of(frame, one) for name, one in self._taken.columns.items()}

    def described(self, tensors: Tensors) -> tuple[DescribedColumn, ...]:
        """Return what the file says of the columns."""
        each = self._taken.columns.items()
        return tuple(one.described(span_of(tensors[name])) for name, one in each)

    def alone(self) -> onnx.ModelProto:
        """Return the tail: features and columns in, every step and the answers out."""
        return alone(self._taken, self._dim)

    def behind(self, model: onnx.ModelProto) -> onnx.ModelProto:
        """Return a model with the tail behind its features.

        Raises:
            ConversionError: A column has the name of something in the model.
        """
        return behind(model, self._taken)

    def wanted(self, rows: ComparedRows) -> Tensors:
        """Return what scikit-learn answers; it reads the photos itself.

        Raises:
            ConversionError: It raises.
        """
        asked = rows.frame if self.photo is not None else list(rows.frame[rows.photo])
        with explained(
            "scikit-learn itself raises on these rows",
            where=self.last,
            remedy="Leave out of the rows what the pipeline does not take.",
            error=ConversionError,
        ):
            return self._answers(asked)

    def _answers(self, asked: Any) -> Tensors:
        pipeline = self._pipeline
        if self.answer.classes is None:
            return {VALUE: np.asarray(pipeline.predict(asked), np.float64).reshape(-1, 1)}
        classes = [str(one) for one in pipeline.classes_]
        said = [classes.index(str(one)) for one in pipeline.predict(asked)]
        wanted: Tensors = {LABEL: np.array(said, np.int64)}
        if self.answer.has_probabilities:
            wanted[PROBABILITIES] = np.asarray(pipeline.predict_proba(asked), np.float64)
        return wanted

    def check_alone(self, rows: ComparedRows, got: Tensors) -> None:
        """Hold each step of the columns to scikit-learn's own.

        Raises:
            VerificationError: A step differs.
        """
        gates.check_steps(self._taken, got, rows.frame, rows.features)

    def ruled_rows(self, tensors: Tensors, count: int) -> list[dict[str, Any]]:
        """Return rows made by rule: the middle, the ends and what is missing; words in turn."""
        return [self._row(tensors, number) for number in range(count)]

    def ruled_frame(self, rows: list[dict[str, Any]], photo: str, path: str) -> Any:
        """Return rows as the frame that the pipeline was fitted on has them.

        Args:
            rows: The rows, without photos.
            photo: The name of the column of photos.
            path: The photo that stands beside each.
        """
        import pandas as pd

        frame = pd.DataFrame([{photo: path, **row} for row in rows])
        if self.photo is not None:
            frame = frame.reindex(columns=list(self._pipeline.steps[0][1].feature_names_in_))
        for name, column in self._taken.columns.items():
            if column.words is None:
                frame[name] = frame[name].astype(np.float64)
        return frame

    def _row(self, tensors: Tensors, number: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, column in self._taken.columns.items():
            if column.words is not None:
                words = [one for one in column.words.known if not one.startswith("\x00")]
                row[name] = words[number % len(words)]
                continue
            low, high = span_of(tensors[name]) or (0.0, 1.0)
            values: list[float | None] = [(low + high) / 2, low, high, None if column.nan else low]
            row[name] = values[number % len(values)]
        return row
