"""scikit-learn transformers: pictures or columns of a table in, feature columns out.

    from edgefeat.sklearn import ColumnFeatures, ImageFeatures

    columns = ColumnTransformer([
        ("photo", ImageFeatures(), "path"),
        ("words", ColumnFeatures("people.onnx"), ["age", "city"]),
        ("table", StandardScaler(), ["price"]),
    ])
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))

The one room that knows scikit-learn. In a search over parameters give the pipeline a `memory`, so
that pictures are extracted once for each fold and not once for each parameter.
"""

from __future__ import annotations

from edgefeat.sklearn.columns import ColumnFeatures
from edgefeat.sklearn.images import ImageFeatures

__all__ = ["ColumnFeatures", "ImageFeatures"]

for _one in (ColumnFeatures, ImageFeatures):  # pickles name them where users find them
    _one.__module__ = __name__
