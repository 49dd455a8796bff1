"""What cannot be right in a file is refused by name, and no file is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
)

from edgefeat.sklearn import ImageFeatures
from edgefeat_export import attach
from edgefeat_export.errors import ConversionError
from head_pipelines import columns, imputed

Parts = tuple[Any, Any]


def lower(values: Any) -> Any:
    return values


class Own(LogisticRegression):
    """Somebody's own estimator."""


REFUSED: dict[str, tuple[Any, str]] = {
    "categories of histograms": (
        (
            columns("passthrough"),
            HistGradientBoostingClassifier(categorical_features=[1280], max_iter=2),
        ),
        "histgradientboostingclassifier: HistGradientBoostingClassifier(categorical_features=...) "
        "is not known. Encode these columns, by OrdinalEncoder or OneHotEncoder, and fit without",
    ),
    "texts": (
        (columns(imputed(), ("note", TfidfVectorizer(), "kind")), LogisticRegression()),
        "columntransformer.note: TfidfVectorizer cannot be put into the file; known are ",
    ),
    "functions": (
        (columns(FunctionTransformer(lower)), HistGradientBoostingClassifier(max_iter=2)),
        "columntransformer.numbers: FunctionTransformer of lower: only NumPy's log1p,",
    ),
    "other imputers": (
        (columns(KNNImputer()), LogisticRegression(max_iter=300)),
        "columntransformer.numbers: KNNImputer cannot be put into the file; known are ",
    ),
    "other estimators": (
        (columns(imputed()), GaussianNB()),
        "gaussiannb: GaussianNB cannot be put into a file; known are ",
    ),
    "other distances": (
        (columns(imputed()), KNeighborsClassifier(3, metric="manhattan")),
        "kneighborsclassifier: KNeighborsClassifier(weights='uniform', metric='manhattan'): known "
        "are weights 'uniform' and 'distance', and Euclidean distances.",
    ),
    "estimators of one's own": (
        (columns(imputed()), Own(max_iter=300)),
        "Own cannot be put into a file; known are ",
    ),
    "a photo scaled to length 1": (
        (
            ColumnTransformer([("photo", ImageFeatures(normalize=True), ["path"])]),
            LogisticRegression(),
        ),
        "because of normalize, outputs or decode, the model has 97d4d59ce2f4. Fit it with "
        "ImageFeatures(model=...) of this very file",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_by_name(
    case: str, parts: Parts, model: str, out: Path
) -> None:
    steps, message = REFUSED[case]
    fit, rows = parts
    fit = fit.assign(width=(fit["width"] // 20).abs())
    pipeline = make_pipeline(*steps).fit(fit, fit["kind"])
    with pytest.raises(ConversionError) as caught:
        attach(pipeline, model, rows, out)
    assert message in str(caught.value)
    assert list(out.parent.iterdir()) == []
