"""Pipelines of scikit-learn on a photo and columns, and their tails alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)

from edgefeat.sklearn import ImageFeatures
from edgefeat_export.attaching import gates
from edgefeat_export.attaching.estimators import add_estimator
from edgefeat_export.attaching.graphs import add_unseen, alone
from edgefeat_export.attaching.rows import tensor_of
from edgefeat_export.attaching.tail import Matrix, TailGraph
from edgefeat_export.attaching.taking_apart import Taken, TakenColumn, take_apart

Frame = Any


def imputed(**options: Any) -> Any:
    return make_pipeline(SimpleImputer(strategy="median", **options), StandardScaler())


def columns(numbers: Any, *others: Any) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("photo", ImageFeatures(), ["path"]),
            ("numbers", numbers, ["width", "price"]),
            ("shop", OneHotEncoder(handle_unknown="ignore"), ["shop"]),
            *others,
        ]
    )


def small_photo() -> Any:
    return make_pipeline(ImageFeatures(), StandardScaler(), PCA(8, random_state=0, whiten=True))


class Remembered(ImageFeatures):
    """The same transformer, which reads each photo once."""

    known: dict[str, Any] = {}  # noqa: RUF012

    def transform(self, X: Any) -> Any:
        paths = [row[0] for row in np.asarray(X, object)]
        new = [path for path in dict.fromkeys(paths) if path not in self.known]
        if new:
            self.known.update(zip(new, super().transform(new), strict=True))
        return np.stack([self.known[path] for path in paths])


def tail_answers(pipeline: Any, frame: Frame) -> tuple[Any, dict[str, Any], Any]:
    photo = pipeline.steps[0][1].named_transformers_["photo"]
    photo = getattr(photo, "steps", [("photo", photo)])[0][1]
    features = photo.transform(frame[["path"]])
    taken = take_apart(pipeline, photo.fingerprint_, 1280)
    add_unseen(taken)
    feeds = {name: tensor_of(frame, one) for name, one in taken.columns.items()}
    small = alone(taken, 1280).SerializeToString()
    return taken, gates.run(small, {"features": features, **feeds}, where="tail"), features


def answers_on(model: Any, rows: Any) -> dict[str, Any]:
    """Return what the file's part behind the features gives for rows of numbers alone.

    Args:
        model: A fitted estimator.
        rows: float64 `(N, width)`.
    """
    tail = TailGraph()
    names = [f"n{place}" for place in range(rows.shape[1])]
    with tail.step("model"):
        matrix = tail.side_by_side([Matrix(name, 1) for name in names])
        answer = add_estimator(tail, model, matrix)
    known = {name: TakenColumn(name=name) for name in names}
    taken = Taken(tail=tail, photo=None, columns=known, answer=answer)
    feeds = {name: rows[:, place : place + 1] for place, name in enumerate(names)}
    unread = {"features": np.zeros((len(rows), 1), np.float32)}
    return gates.run(alone(taken, 1).SerializeToString(), {**feeds, **unread}, where="the tail")
