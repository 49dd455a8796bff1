"""A scikit-learn transformer: a column of pictures in, feature columns out.

    from edgefeat.sklearn import ImageFeatures

    columns = ColumnTransformer([
        ("photo", ImageFeatures(), "path"),
        ("table", StandardScaler(), ["age", "price"]),
    ])
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))

The one file that knows scikit-learn. In a search over parameters give the pipeline a `memory`, so
that pictures are extracted once for each fold and not once for each parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError, ModelError
from edgefeat.extractor import FeatureExtractor
from edgefeat.pictures.decode import DEFAULT_MAX_PIXELS
from edgefeat.sets.corpus import extract_in_order

try:
    from joblib import effective_n_jobs
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as missing:
    raise ImportError(
        "edgefeat.sklearn needs scikit-learn 1.6 or newer. "
        "Install it with `pip install 'edgefeat[sklearn]'`."
    ) from missing

__all__ = ["ImageFeatures"]

Features = NDArray[np.float32]
Names = NDArray[np.object_]


class ImageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns a column of pictures into feature columns with a pre-trained network.

    A picture is a path, encoded bytes, a uint8 array or a PIL image. A column of them is a list, a
    pandas or Polars series, a frame or object array of one column, or one uint8 array `(N, H, W)`
    or `(N, H, W, C)`. Nothing is learned: `fit` opens the model and notes its fingerprint.

    A pickle holds the model's path and fingerprint, never the model: where it is loaded, the file
    must give the same fingerprint.

    Args:
        model: A model file; None takes the one shipped with edgefeat.
        providers: Execution providers by preference.
        normalize: Whether to scale vectors to unit length.
        colour: Channel order of arrays, `"bgr"` or `"rgb"`.
        max_pixels: Pictures that claim more pixels are refused.
        on_error: For a missing or bad picture: `"raise"`, or `"nan"` for a row of NaN.
        n_jobs: Threads that decode and run; None is 1, -1 one for each core.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        providers: str | tuple[str, ...] = "cpu",
        normalize: bool = False,
        colour: Literal["bgr", "rgb"] = "bgr",
        max_pixels: int = DEFAULT_MAX_PIXELS,
        on_error: Literal["raise", "nan"] = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.providers = providers
        self.normalize = normalize
        self.colour = colour
        self.max_pixels = max_pixels
        self.on_error = on_error
        self.n_jobs = n_jobs

    def fit(self, X: object, y: object = None) -> Self:
        """Open the model and note its fingerprint; pictures are not looked at.

        Raises:
            ModelError: The model cannot be opened.
            ValueError: `X` is not one column, or a parameter is out of range.
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
        self._n_features_out: int = self._extractor.dim
        return self

    def transform(self, X: object) -> Features:
        """Return the features of a column of pictures: float32 `(N, D)`.

        Raises:
            ImageError: With `on_error="raise"`: a picture is missing or bad; names its row.
            ModelError: The model file is not the one this was fitted with.
            ValueError: `X` is not one column.
        """
        check_is_fitted(self)
        self._check_parameters()
        column = _as_column(X)
        self._check_name(_column_name(X))
        extractor = self._reopened()
        features = np.full((len(column), self._n_features_out), np.nan, np.float32)
        there = [row for row, image in enumerate(column) if not _is_missing(image)]
        if self.on_error == "raise" and len(there) < len(column):
            row = min(set(range(len(column))).difference(there))
            raise ImageError(f"row {row}: no picture. Fill or drop it, or pass on_error='nan'.")
        outcomes = extract_in_order(
            (column[row] for row in there),
            extractor,
            colour=self.colour,
            workers=max(1, effective_n_jobs(self.n_jobs)),
        )
        with closing(outcomes):
            for row, outcome in zip(there, outcomes, strict=True):
                if not isinstance(outcome, ImageError):
                    features[row] = outcome.reshape(-1)
                elif self.on_error == "raise":
                    raise ImageError(f"row {row}: {outcome}") from outcome
        return features

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Names:
        """Return `NAME_f0000`, `NAME_f0001`, ...; NAME is the column's, or `image`."""
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
        return np.array([f"{name}_f{i:04}" for i in range(self._n_features_out)], dtype=object)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {key: value for key, value in state.items() if key != "_extractor"}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "fingerprint_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = True  # of one column
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []  # float32, whatever the pictures are
        tags.input_tags.allow_nan = self.on_error == "nan"
        return tags

    def _check_parameters(self) -> None:
        for name, choices in (("on_error", ("raise", "nan")), ("colour", ("bgr", "rgb"))):
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name}: expected {' or '.join(choices)}, got {value!r}")

    def _check_name(self, name: str | None) -> None:
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is not None and name is not None and name != fitted[0]:
            raise ValueError(
                "The feature names should match those that were passed during fit: expected "
                f"{fitted[0]!r}, got {name!r}."
            )

    def _open(self) -> FeatureExtractor:
        return FeatureExtractor(
            self.model,
            providers=self.providers,
            normalize=self.normalize,
            max_pixels=self.max_pixels,
        )

    def _reopened(self) -> FeatureExtractor:
        """Return the open extractor; after unpickling, open the model again and check it."""
        if not hasattr(self, "_extractor"):
            extractor = self._open()
            if extractor.fingerprint != self.fingerprint_:
                raise ModelError(
                    f"{extractor.path}: fingerprint: this ImageFeatures was fitted with "
                    f"{self.fingerprint_[:12]}, the file gives {extractor.fingerprint[:12]}. "
                    "What was trained on its features needs the same model file: put it there, "
                    "or fit again."
                )
            self._extractor = extractor
        return self._extractor


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
