"""scikit-learn's own estimator checks.

The checks feed rows of numbers, and a number is no picture: on `ImageFeatures` itself only those
can pass that feed nothing or expect a refusal. So they run once more on `DrawnRows`, which draws
every row as a small picture and hands it on; there all must pass but the named ones.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from edgefeat.sklearn import ImageFeatures

NUMBERS = "feeds numbers where pictures belong; passes on DrawnRows"
EXEMPT = dict.fromkeys(
    [
        "check_complex_data",
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_dtype_object",
        "check_estimator_sparse_array",
        "check_estimators_dtypes",
        "check_estimators_empty_data_messages",
        "check_estimators_fit_returns_self",
        "check_estimators_overwrite_params",
        "check_estimators_pickle",
        "check_f_contiguous_array_estimator",
        "check_fit2d_1feature",
        "check_fit2d_1sample",
        "check_fit2d_predict1d",
        "check_fit_check_is_fitted",
        "check_fit_idempotent",
        "check_fit_score_takes_y",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_n_features_in",
        "check_n_features_in_after_fitting",
        "check_pipeline_consistency",
        "check_positive_only_tag_during_fit",
        "check_readonly_memmap_input",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
    ],
    NUMBERS,
) | {"check_estimators_nan_inf": "fit looks at no cell: a missing picture is found by transform"}


def draw(rows: np.ndarray) -> np.ndarray:
    """Draw rows of numbers as pictures: one grey stripe for each number."""
    stripes = np.clip(128 + 40 * np.nan_to_num(rows), 0, 255).astype(np.uint8)
    return np.repeat(np.repeat(stripes[:, np.newaxis], 8, axis=1), 4, axis=2)


class DrawnRows(ImageFeatures):
    """`ImageFeatures` of pictures drawn from rows of numbers."""

    def fit(self, X: object, y: object = None) -> Self:
        pictures = draw(validate_data(self, X))
        noted = {key: value for key, value in vars(self).items() if key.endswith("_in_")}
        super().fit(pictures, y)
        for key, value in noted.items():
            setattr(self, key, value)
        return self

    def transform(self, X: object) -> Any:
        return super().transform(draw(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = False
        return tags


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([ImageFeatures()], expected_failed_checks=lambda _: EXEMPT)
def test_as_far_as_image_input_allows(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([DrawnRows(n_jobs=2)])
def test_on_rows_drawn_as_pictures(estimator: Any, check: Any) -> None:
    check(estimator)
