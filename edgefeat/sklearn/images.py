"""A column of pictures as feature columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from math import prod
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import EdgefeatError, ImageError
from edgefeat.extractor import ColourName, OnErrorName
from edgefeat.options.checks import choice, member
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.options.many import OnError
from edgefeat.sklearn.base import ModelTransformer, check_is_fitted, effective_n_jobs

__all__ = ["ImageFeatures"]

Names = NDArray[np.object_]


class ImageFeatures(ModelTransformer):
    """Turns a column of pictures into feature columns with a pre-trained network.

    A picture is a path, encoded bytes, a uint8 array or a PIL image. A column of them is a list, a
    pandas or Polars series, a frame or object array of one column, or one uint8 array `(N, H, W)`
    or `(N, H, W, C)`. Nothing is learned: `fit` opens the model and notes its fingerprint.

    A pickle holds the model's path and fingerprint, never the model: where it is loaded, the file
    must give the same fingerprint.

    Args:
        model: Model file (default: the one shipped with edgefeat).
        outputs: Outputs of the model whose columns stand side by side: names, or `"all"` (default:
            the first output).
        normalize: Pass True to scale every vector to unit length.
        decode: How large JPEGs are decoded: `"full"`, or `"reduced"` to what the model needs
            (default: as the model says).
        max_pixels: Refuse pictures that claim more pixels.
        any_operator: Pass True to trust a model file with operators that edgefeat-export does not
            write.
        providers: Execution providers by preference.
        strict: Pass False to accept a less preferred provider, with a warning.
        colour: Channel order of pictures that are arrays, `"bgr"` or `"rgb"`.
        on_error: `"stop"` raises the error of the first picture that is missing or bad; `"skip"`
            gives it a row of NaN.
        n_jobs: Pictures worked on at once, each on a thread; None is 1, -1 one for each core.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        outputs: str | Sequence[str] | None = ModelOptions.outputs,
        normalize: bool = ModelOptions.normalize,
        decode: Literal["full", "reduced"] | None = None,
        max_pixels: int = ModelOptions.max_pixels,
        any_operator: bool = ModelOptions.any_operator,
        providers: str | Sequence[str] = EngineOptions.providers,
        strict: bool = EngineOptions.strict,
        colour: ColourName = "bgr",
        on_error: OnErrorName = "stop",
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.outputs = outputs
        self.normalize = normalize
        self.decode = decode
        self.max_pixels = max_pixels
        self.any_operator = any_operator
        self.providers = providers
        self.strict = strict
        self.colour = colour
        self.on_error = on_error
        self.n_jobs = n_jobs

    def fit(self, X: object, y: object = None) -> Self:
        """Open the model and note its fingerprint; pictures are not looked at.

        Raises:
            ModelError: The model cannot be opened.
            OptionError: A parameter is out of range.
            ValueError: `X` is not one column.
        """
        self._check_parameters()
        _as_column(X)
        name = _column_name(X)
        self.n_features_in_ = 1
        if name is not None:
            self.feature_names_in_ = np.array([name], dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._extractor = self._open()
        self.fingerprint_: str = self._extractor.fingerprint
        self._outputs_out = {name: prod(shape) for name, shape in self._extractor.outputs.items()}
        return self

    def transform(self, X: object) -> Features:
        """Return the features of a column of pictures: float32 `(N, D)`.

        Raises:
            ImageError: With `on_error="stop"`: a picture is missing or bad; names its row.
            ModelError: The model file is not the one this was fitted with.
            ValueError: `X` is not one column.
        """
        check_is_fitted(self)
        stop = self._check_parameters() is OnError.STOP
        column = _as_column(X)
        self._check_name(_column_name(X))
        extractor = self._reopened()
        width = sum(self._outputs_out.values())
        features = np.full((len(column), width), np.nan, np.float32)
        there = [row for row, image in enumerate(column) if not _is_missing(image)]
        if stop and len(there) < len(column):
            raise ImageError(
                "no picture",
                where=f"row {min(set(range(len(column))).difference(there))}",
                option="on_error='skip'",
                remedy="Fill or drop it, or pass {option}.",
            )
        outcomes = extractor.iter_features(
            (column[row] for row in there),
            colour=self.colour,
            workers=max(1, effective_n_jobs(self.n_jobs)),
            on_error="skip",
        )
        with closing(outcomes):
            for row, outcome in zip(there, outcomes, strict=True):
                if not isinstance(outcome, EdgefeatError):
                    features[row] = outcome.reshape(-1)
                elif stop:
                    raise outcome.within(f"row {row}")
        return features

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Names:
        """Return the names of the feature columns.

        They are `NAME_f0000`, `NAME_f0001`, ..., where NAME is the column's or `image`. With
        `outputs` they tell the output too: `NAME_OUTPUT_f0000`.
        """
        check_is_fitted(self)
        fitted = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            if len(input_features) != 1:
                raise ValueError(
                    "input_features should have length equal to number of features (1), "
                    f"got {len(input_features)}"
                )
            if fitted is not None and input_features[0] != fitted[0]:
                raise ValueError("input_features is not equal to feature_names_in_")
            fitted = input_features
        name = "image" if fitted is None else fitted[0]
        names = [
            f"{name}_f{i:04}" if self.outputs is None else f"{name}_{output}_f{i:04}"
            for output, size in self._outputs_out.items()
            for i in range(size)
        ]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = True  # a table of one column
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # float32, whatever the pictures are
        tags.input_tags.allow_nan = self.on_error == "skip"
        return tags

    def _check_parameters(self) -> OnError:
        choice("colour", self.colour, "bgr", "rgb")
        return member("on_error", self.on_error, OnError)

    def _check_name(self, name: str | None) -> None:
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is not None and name is not None and name != fitted[0]:
            raise ValueError(
                "The feature names should match those that were passed during fit: expected "
                f"{fitted[0]!r}, got {name!r}."
            )


def _as_column(X: Any) -> Sequence[Any]:
    """Return a column of pictures as a sequence."""
    if isinstance(X, list | tuple):
        return X
    if isinstance(X, str | bytes | Path):
        raise ValueError("X: expected a column of pictures, got one. Put it into a list: [X].")
    if hasattr(X, "toarray"):
        raise TypeError("X: expected a column of pictures; sparse matrices are not supported.")
    if hasattr(X, "columns"):  # a pandas or Polars frame
        if len(X.columns) != 1:
            raise ValueError(
                f"X: expected one column of pictures, got {len(X.columns)}. Use one ImageFeatures "
                "for each, in a ColumnTransformer."
            )
        return list(X[X.columns[0]])
    if not isinstance(X, np.ndarray) or (X.dtype == np.uint8 and X.ndim in (3, 4)):
        return list(X)
    if X.dtype.kind not in "OU":
        raise ValueError(
            f"X: expected a column of pictures, got an array {X.dtype} {X.shape}. Pass paths, "
            "bytes (dtype=object), or uint8 pixels (N, H, W, C)."
        )
    if X.ndim != 1 and X.shape[1:] != (1,):
        raise ValueError(f"X: expected one column of pictures, got shape {X.shape}.")
    return list(X.reshape(-1))


def _column_name(X: Any) -> str | None:
    """Return the name of a frame's only column or of a series, if it has one."""
    name = X.columns[0] if hasattr(X, "columns") else getattr(X, "name", None)
    return name if isinstance(name, str) and name else None


def _is_missing(image: object) -> bool:
    """Return whether a cell is empty: None, NaN, pandas.NA or the empty string."""
    if image is None or (isinstance(image, float) and np.isnan(image)):
        return True
    return type(image).__name__ in ("NAType", "NaTType") or (
        isinstance(image, str | bytes) and not image
    )
