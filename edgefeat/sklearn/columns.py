"""Columns of a table as feature columns, by a network of one's own for rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import OptionError, RowError
from edgefeat.extractor import OnErrorName
from edgefeat.options.checks import member
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.many import OnError
from edgefeat.sklearn.base import ModelTransformer, check_is_fitted

__all__ = ["ColumnFeatures"]

Names = NDArray[np.object_]


class ColumnFeatures(ModelTransformer):
    """Turns columns of a table into feature columns with a model that takes rows.

    `X` is a frame of pandas or Polars whose columns have the model's names, a list of mappings, a
    mapping of columns, a structured array, or an array `(N, columns)` with the model's columns in
    their order. Nothing is learned: `fit` opens the model and notes its fingerprint.

    A pickle holds the model's path and fingerprint, never the model: where it is loaded, the file
    must give the same fingerprint.

    Args:
        model: Model file whose inputs are columns.
        outputs: Outputs of the model whose columns stand side by side: names, or `"all"` (default:
            the first output).
        normalize: Pass True to scale every vector to unit length.
        any_operator: Pass True to trust a model file with operators that edgefeat-export does not
            write.
        max_text: Characters that a text may have (default: as the model says).
        providers: Execution providers by preference.
        strict: Pass False to accept a less preferred provider, with a warning.
        on_error: `"stop"` raises the error of the first row that does not fit; `"skip"` gives it a
            row of NaN.
    """

    def __init__(
        self,
        model: str | PathLike[str],
        *,
        outputs: str | Sequence[str] | None = ModelOptions.outputs,
        normalize: bool = ModelOptions.normalize,
        any_operator: bool = ModelOptions.any_operator,
        max_text: int | None = ModelOptions.max_text,
        providers: str | Sequence[str] = EngineOptions.providers,
        strict: bool = EngineOptions.strict,
        on_error: OnErrorName = "stop",
    ) -> None:
        self.model = model
        self.outputs = outputs
        self.normalize = normalize
        self.any_operator = any_operator
        self.max_text = max_text
        self.providers = providers
        self.strict = strict
        self.on_error = on_error

    def fit(self, X: object, y: object = None) -> Self:
        """Open the model and note its fingerprint; rows are not looked at.

        Raises:
            ModelError: The model cannot be opened.
            OptionError: A parameter is out of range, or the model takes pictures.
        """
        member("on_error", self.on_error, OnError)
        extractor = self._open()
        if extractor.spec.picture is not None:
            raise OptionError(
                "expected a model that takes rows alone, got one for pictures",
                where=extractor.path,
                option="model",
                remedy="Use ImageFeatures.",
            )
        self._extractor = extractor
        self.fingerprint_: str = extractor.fingerprint
        self._outputs_out = {name: prod(shape) for name, shape in extractor.outputs.items()}
        names = [name for one in extractor.spec.columns for name in one.columns or (one.name,)]
        self.feature_names_in_ = np.array(names, dtype=object)
        self.n_features_in_ = len(names)
        return self

    def transform(self, X: object) -> Features:
        """Return the features of some rows: float32 `(N, D)`.

        Raises:
            RowError: With `on_error="stop"`: a row does not fit; names row, column and value.
            ModelError: The model file is not the one this was fitted with.
        """
        check_is_fitted(self)
        on_error = member("on_error", self.on_error, OnError)
        extractor = self._reopened()
        found = extractor.extract_batch(
            self._named(X), on_error="stop" if on_error is OnError.STOP else "skip"
        )
        return found.reshape(len(found), -1)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Names:
        """Return the names of the feature columns.

        They are `columns_f0000`, `columns_f0001`, ...; with `outputs` they tell the output too:
        `columns_OUTPUT_f0000`.

        Args:
            input_features: Names that the table had in `fit`; they change nothing.
        """
        check_is_fitted(self)
        names = [
            f"columns_f{i:04}" if self.outputs is None else f"columns_{output}_f{i:04}"
            for output, size in self._outputs_out.items()
            for i in range(size)
        ]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.allow_nan = True  # by the rule of each column
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _named(self, X: Any) -> Any:
        """Return a table with names: an array's columns are the model's, in their order."""
        if not isinstance(X, np.ndarray) or X.dtype.names or X.ndim != 2:
            return X
        if X.shape[1] != self.n_features_in_:
            raise RowError(
                f"expected {self.n_features_in_} columns, got {X.shape[1]}",
                expected=f"{self.n_features_in_} columns",
                remedy=f"They are {', '.join(self.feature_names_in_)}.",
            )
        return {name: X[:, at] for at, name in enumerate(self.feature_names_in_)}
