"""A fitted pipeline is taken apart: the photo, the columns and their steps, the estimator.

Each transformer of a ColumnTransformer is translated alone, and their results are put side by side
in the ColumnTransformer's own order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edgefeat.model.columns import (
    CategoryInput,
    MissingNumber,
    MissingToken,
    NumberInput,
    NumberType,
)
from edgefeat.model.spec import PRIMARY_OUTPUT
from edgefeat_export.attaching.answering import HeadAnswer
from edgefeat_export.attaching.encoders import Encoded, WordColumn, encode
from edgefeat_export.attaching.estimators import add_estimator
from edgefeat_export.attaching.kinds import takes_nan
from edgefeat_export.attaching.refusing import class_of, is_image_features, refusal
from edgefeat_export.attaching.steps import ENCODERS, bears_nan, keeps_nan, steps_of, translate_step
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["NumberStep", "Taken", "TakenColumn", "take_apart"]


@dataclass(slots=True, kw_only=True)
class TakenColumn:
    """A column of the rows, as the graph takes it.

    Attributes:
        name: The column.
        words: What the encoder knows of its words; None for a column of numbers.
        nan: Whether a missing number may enter the graph.
    """

    name: str
    words: Encoded | None = None
    nan: bool = True

    def described(self, span: tuple[float, float] | None) -> NumberInput | CategoryInput:
        """Return what the model file says of it.

        Args:
            span: The smallest and largest number that was seen.
        """
        if self.words is None:
            missing = MissingNumber.NAN if self.nan else MissingNumber.REFUSE
            return NumberInput(
                name=self.name, dtype=NumberType.FLOAT64, missing=missing, range=span
            )
        token = self.words.missing
        return CategoryInput(
            name=self.name,
            unseen=self.words.unseen,
            missing=MissingToken.REFUSE if token is None else MissingToken.TOKEN,
            missing_token=token,
            values=self.words.values,
        )


@dataclass(frozen=True, slots=True)
class NumberStep:
    """A translated step whose rows are numbers.

    Attributes:
        where: The name of the step, with the names around it, and its class.
        step: The fitted transformer.
        before: What it takes.
        after: What it gives.
    """

    where: str
    step: Any
    before: Matrix
    after: Matrix


@dataclass(slots=True, kw_only=True)
class Taken:
    """A pipeline in parts.

    Attributes:
        tail: What stands behind the features.
        photo: The column of photos; None where the pipeline takes photos and no columns.
        columns: The other columns, in the graph's order.
        answer: What it answers.
        steps: The ColumnTransformer's fitted transformers of columns, by name, with the columns.
        later: The steps behind the photo, and those behind the ColumnTransformer.
    """

    tail: TailGraph
    photo: str | None
    columns: dict[str, TakenColumn]
    answer: HeadAnswer
    steps: dict[str, tuple[Any, list[str]]] = field(default_factory=dict)
    later: list[NumberStep] = field(default_factory=list)


def take_apart(pipeline: Any, fingerprint: str, dim: int) -> Taken:
    """Translate a fitted pipeline.

    Args:
        pipeline: A Pipeline of ImageFeatures, or of a ColumnTransformer with it, and an estimator.
        fingerprint: Fingerprint of the model whose features it was fitted on.
        dim: How many numbers these have.

    Raises:
        ConversionError: Some part cannot be in a file, or its features are another model's.
    """
    if class_of(pipeline) != "Pipeline":
        raise refusal(
            f"expected a Pipeline, got {class_of(pipeline)}",
            where=None,
            remedy="Put it together with make_pipeline(columns, estimator).",
        )
    (first_name, first), *rest = pipeline.steps
    reader = _Reader(fingerprint, dim)
    if class_of(first) == "ColumnTransformer":
        with reader.tail.step(first_name):
            matrix = reader.columns_of(first)
    elif is_image_features(first):
        matrix = reader.photo_of(first, first_name, None)
    else:
        raise refusal(
            f"expected a ColumnTransformer or ImageFeatures first, got {class_of(first)}",
            where=first_name,
        )
    if not reader.has_photo:
        raise refusal(
            "no ImageFeatures among its transformers: nothing to attach to the model",
            where=first_name,
            remedy="Give the column of photos to edgefeat.sklearn.ImageFeatures.",
        )
    for name, step in rest[:-1]:
        with reader.tail.step(name):
            for one in steps_of(step) if class_of(step) == "Pipeline" else [step]:
                if not bears_nan(one):
                    reader.refuse_missing()
                matrix = reader.numbers_through(one, matrix)
                if not keeps_nan(one):
                    reader.nan_open = False
    name, model = rest[-1] if rest else ("", None)
    with reader.tail.step(name):
        if not takes_nan(model):
            reader.refuse_missing()
        answer = add_estimator(reader.tail, model, matrix)
    return Taken(
        tail=reader.tail,
        photo=reader.photo,
        columns=reader.columns,
        answer=answer,
        steps=reader.steps,
        later=reader.later,
    )


class _Reader:
    """Reads a ColumnTransformer; what it found stands in its attributes."""

    def __init__(self, fingerprint: str, dim: int) -> None:
        self._fingerprint, self._dim = fingerprint, dim
        self.tail = TailGraph()
        self.has_photo = False
        self.photo: str | None = None
        self.columns: dict[str, TakenColumn] = {}
        self.not_imputed: set[str] = set()
        self.nan_open = True
        self.steps: dict[str, tuple[Any, list[str]]] = {}
        self.later: list[NumberStep] = []

    def columns_of(self, transformer: Any) -> Matrix:
        """Translate a ColumnTransformer; return its rows."""
        names = getattr(transformer, "feature_names_in_", None)
        if names is None:
            raise refusal(
                "was fitted on columns without names",
                where=self.tail.where,
                remedy="Fit it on a data frame.",
            )
        if getattr(transformer, "transformer_weights", None):
            raise refusal("transformer_weights are not known", where=self.tail.where)
        slices = transformer.output_indices_
        fitted = {name: step for name, step, _ in transformer.transformers_}
        parts = []
        for name in sorted(fitted, key=lambda one: slices[one].start):
            step = fitted[name]
            if slices[name].start == slices[name].stop or _is(step, "drop"):
                continue
            indices = transformer._transformer_to_input_indices[name]
            mine = [str(names[index]) for index in indices]
            with self.tail.step(name):
                matrix = self._branch(step, mine, name)
                if matrix.width != slices[name].stop - slices[name].start:
                    raise refusal(
                        f"gives {matrix.width} columns, scikit-learn gives "
                        f"{slices[name].stop - slices[name].start}",
                        where=self.tail.where,
                    )
            self.tail.checkpoints[name] = matrix
            if matrix.name not in self.columns and self.photo not in mine:
                self.steps[name] = (step, mine)
            parts.append(matrix)
        return self.tail.side_by_side(parts)

    def photo_of(self, step: Any, name: str, column: str | None) -> Matrix:
        """Return the features of the photo, if they are those of the model."""
        if self.has_photo:
            raise refusal("a second ImageFeatures: a file takes one photo", where=name)
        if step.fingerprint_ != self._fingerprint:
            reason = ""
            if step.normalize or step.outputs is not None or step.decode is not None:
                reason = ", because of normalize, outputs or decode"
            raise refusal(
                f"its ImageFeatures has fingerprint {step.fingerprint_[:12]}{reason}, the model "
                f"has {self._fingerprint[:12]}",
                where=name,
                remedy="Fit it with ImageFeatures(model=...) of this very file, without options "
                "that change the vector.",
            )
        self.has_photo, self.photo = True, column
        return Matrix(self.tail.double(PRIMARY_OUTPUT), self._dim)

    def refuse_missing(self) -> None:
        """Let no missing number enter, where none may come to what stands here."""
        for column in self.columns.values():
            if self.nan_open and column.name in self.not_imputed:
                column.nan = False
        self.nan_open = False

    def numbers_through(self, step: Any, matrix: Matrix) -> Matrix:
        """Translate a step, and keep what it takes and gives to be compared."""
        given = translate_step(self.tail, step, matrix)
        if given is not matrix:
            where = f"{self.tail.where}: {class_of(step)}"
            self.later.append(NumberStep(where, step, matrix, given))
        return given

    def _branch(self, step: Any, mine: list[str], name: str) -> Matrix:
        chain = list(steps_of(step)) if class_of(step) == "Pipeline" else [step]
        if is_image_features(chain[0]):
            matrix = self.photo_of(chain[0], name, mine[0])
            for one in chain[1:]:
                matrix = self.numbers_through(one, matrix)
            return matrix
        if any(class_of(one) in ENCODERS for one in chain):
            return self._words(chain, mine)
        matrix = self._numbers(mine)
        for one in chain:
            if not bears_nan(one):
                for column in mine:
                    self.columns[column].nan = False
            if not keeps_nan(one):
                break
        else:
            self.not_imputed |= set(mine)
        for one in chain:
            matrix = translate_step(self.tail, one, matrix)
        return matrix

    def _numbers(self, mine: Sequence[str]) -> Matrix:
        for name in mine:
            there = self.columns.setdefault(name, TakenColumn(name=name))
            if there.words is not None or name == self.photo:
                raise refusal(f"{name!r} is taken as numbers and as words", where=self.tail.where)
        return self.tail.side_by_side([Matrix(name, 1) for name in mine])

    def _words(self, chain: list[Any], mine: list[str]) -> Matrix:
        *before, encoder = chain
        words = [WordColumn(name, name) for name in mine]
        if class_of(encoder) not in ENCODERS:
            raise refusal(
                f"{class_of(encoder)} behind an encoder is not known", where=self.tail.where
            )
        for step in before:
            if class_of(step) != "SimpleImputer" or step.add_indicator:
                raise refusal(
                    f"{class_of(step)} on words is not known, but for SimpleImputer without "
                    "add_indicator",
                    where=self.tail.where,
                )
            for word, statistic in zip(words, step.statistics_, strict=True):
                word.filled = str(statistic)
        matrix, found = encode(self.tail, encoder, words)
        for name, encoded in found.items():
            if name in self.columns or name == self.photo:
                raise refusal(f"{name!r} goes into two encoders", where=self.tail.where)
            self.columns[name] = TakenColumn(name=name, words=encoded)
        return matrix


def _is(step: Any, word: str) -> bool:
    return isinstance(step, str) and step == word
