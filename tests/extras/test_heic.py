"""HEIC through the extra `heif`: pixels, alpha, orientation, depth, and damage."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgefeat import ImageError
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.kind import Group, kind_of

pillow_heif = pytest.importorskip("pillow_heif")


@pytest.fixture(scope="module")
def photo(photos: Path) -> Image.Image:
    return Image.open(photos / "chelsea.jpg").convert("RGB").resize((160, 106))


def heic(image: Image.Image, **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    file = io.BytesIO()
    image.save(file, "HEIF", quality=-1, **options)  # -1: lossless
    return file.getvalue()


def difference(data: bytes, image: Image.Image) -> float:
    pixels = load_bgr(data)[..., ::-1]
    wanted = np.asarray(image.convert("RGB"))
    assert pixels.shape == wanted.shape
    return float(np.abs(pixels.astype(int) - wanted).mean())


def test_colour_grey_and_alpha(photo: Image.Image) -> None:
    assert kind_of(heic(photo)).group is Group.PICTURE
    assert difference(heic(photo), photo) <= 2
    assert difference(heic(photo.convert("L")), photo.convert("L")) <= 1
    clear = photo.copy()
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    white = Image.new("RGBA", photo.size, "white")
    white.alpha_composite(clear)
    assert difference(heic(clear), white) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_stay_after_many_pictures(photo: Image.Image, orientation: int) -> None:
    """Old pillow-heif freed the buffer under the array, and wrote other pixels into it."""
    exif = Image.Exif()
    exif[274] = orientation
    data = heic(photo, exif=exif)
    first = load_bgr(data)
    kept = first.copy()
    for _ in range(3):
        load_bgr(data)
    assert np.array_equal(first, kept)
    reference = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[..., ::-1]
    assert np.array_equal(first, reference)


def test_ten_bits_become_eight(photo: Image.Image) -> None:
    deep = np.asarray(photo).astype(np.uint16) * 257
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", photo.size, deep.tobytes()).save(file, quality=-1)
    assert difference(file.getvalue(), photo) <= 2


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_cut_files_are_refused(photo: Image.Image, share: float) -> None:
    data = heic(photo)
    with pytest.raises(ImageError):
        load_bgr(data[: int(len(data) * share)])


def test_too_many_pixels_are_refused_before_decoding(photo: Image.Image) -> None:
    with pytest.raises(ImageError, match="more than the limit of 100"):
        load_bgr(heic(photo), max_pixels=100)
