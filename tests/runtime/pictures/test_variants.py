"""Every variant of every format gives the right pixels, or is refused by name."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

import picture_variants
from edgefeat import ImageError
from edgefeat.pictures import codecs
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.kind import kind_of
from picture_variants import Variant

READ = list(picture_variants.variants())
REFUSED = list(picture_variants.refused())


def difference(first: np.ndarray, second: np.ndarray) -> float:
    assert first.shape == second.shape
    return float(np.abs(first.astype(float) - second).mean())


@pytest.mark.parametrize("variant", READ, ids=lambda variant: variant.name)
def test_the_pixels_are_right(variant: Variant) -> None:
    assert variant.rgb is not None
    kind = kind_of(variant.data)
    assert kind.format is not None
    if not codecs.is_read(kind.format):
        with pytest.raises(ImageError, match="which is not read here"):
            load_bgr(variant.data)
        return
    pixels = load_bgr(variant.data)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert difference(pixels[..., ::-1], variant.rgb) <= variant.near


@pytest.mark.parametrize(
    "variant", [one for one in READ if one.pillow], ids=lambda variant: variant.name
)
def test_pillow_sees_the_same(variant: Variant) -> None:
    """The corpus itself is held against a second decoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's about odd files
        image = Image.open(io.BytesIO(variant.data))
        turned = picture_variants.on_white(ImageOps.exif_transpose(image))
    assert variant.rgb is not None
    assert difference(turned, variant.rgb) <= max(variant.near, 1.0)


@pytest.mark.parametrize("variant", REFUSED, ids=lambda variant: variant.name)
def test_what_nobody_reads_is_refused_by_name(variant: Variant) -> None:
    with pytest.raises(ImageError) as caught:
        load_bgr(variant.data)
    assert variant.name in caught.value.problem
    assert caught.value.remedy is not None
