import math

import numpy as np
import pytest

from edgefeat.errors import OptionError
from edgefeat_export.networks.normalisation import (
    CAFFE,
    IDENTITY,
    LITE,
    TF,
    TF_128,
    TORCH,
    Normalisation,
)

PIXEL = np.array([[10, 20, 30]], np.uint8)  # RGB


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        (IDENTITY, [10, 20, 30]),
        (TF, [10 / 127.5 - 1, 20 / 127.5 - 1, 30 / 127.5 - 1]),
        (TF_128, [10 / 128 - 1, 20 / 128 - 1, 30 / 128 - 1]),
        (LITE, [-117 / 128, -107 / 128, -97 / 128]),
        (
            TORCH,
            [(10 / 255 - 0.485) / 0.229, (20 / 255 - 0.456) / 0.224, (30 / 255 - 0.406) / 0.225],
        ),
        (CAFFE, [30 - 103.939, 20 - 116.779, 10 - 123.68]),
    ],
    ids=["identity", "tf", "tf_128", "lite", "torch", "caffe"],
)
def test_one_pixel_by_hand(normalisation, expected):
    scaled = normalisation.apply(PIXEL)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "grey"}, "colour: expected 'rgb' or 'bgr', got 'grey'."),
        ({"mean": (0.0, 1.0)}, "mean: expected 3 finite numbers, got (0.0, 1.0)."),
        (
            {"mean": (0.0, 1.0, math.nan)},
            "mean: expected 3 finite numbers, got (0.0, 1.0, nan).",
        ),
        ({"std": (1.0, 1.0, 0.0)}, "std: expected 3 finite numbers above 0, got (1.0, 1.0, 0.0)."),
        (
            {"std": (1.0, 1.0, math.inf)},
            "std: expected 3 finite numbers above 0, got (1.0, 1.0, inf).",
        ),
    ],
    ids=["colour", "two-means", "nan", "zero", "infinite"],
)
def test_numbers_that_cannot_be_are_refused(change, message):
    good = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "colour": "rgb"}
    with pytest.raises(OptionError, match=r"^(colour|mean|std): ") as caught:
        Normalisation(**(good | change))
    assert str(caught.value) == message
