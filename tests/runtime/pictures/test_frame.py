"""A bundle's input: frames of one size, in the layout of their bytes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edgefeat.errors import ImageError, OptionError
from edgefeat.model.frame import FrameSpec, PixelLayout
from edgefeat.model.spec import Colour
from edgefeat.pictures.frame import FrameInput

Pixels = NDArray[np.uint8]


def plan(pixels: PixelLayout, size_hw: tuple[int, int] = (4, 6)) -> FrameInput:
    return FrameInput(
        spec=FrameSpec(
            size_hw=size_hw, pixels=pixels, core_content_sha256="0" * 64, core_fingerprint="0" * 64
        )
    )


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("pixels", "shape"),
    [
        (PixelLayout.RGB, (4, 6, 3)),
        (PixelLayout.BGR, (4, 6, 3)),
        (PixelLayout.RGBA, (4, 6, 4)),
        (PixelLayout.NV12, (6, 6, 1)),
        (PixelLayout.YUYV422, (4, 6, 2)),
    ],
)
def test_shapes_of_frames(pixels: PixelLayout, shape: tuple[int, int, int]) -> None:
    assert plan(pixels).spec.shape == shape
    assert plan(pixels).check(noise(2, *shape)).shape == (2, *shape)
    with pytest.raises(ValueError, match=rf"\(N, {shape[0]}, {shape[1]}, {shape[2]}\)"):
        plan(pixels).check(noise(2, *shape, 1))


def test_pictures_get_the_order_of_their_bytes() -> None:
    bgr = noise(4, 6, 3)
    assert np.array_equal(plan(PixelLayout.BGR)(bgr), bgr)
    assert np.array_equal(plan(PixelLayout.RGB)(bgr), bgr[..., ::-1])
    rgba = plan(PixelLayout.RGBA)(bgr)
    assert np.array_equal(rgba[..., :3], bgr[..., ::-1])
    assert (rgba[..., 3] == 255).all()


def test_an_rgb_array_is_taken_as_such() -> None:
    rgb = noise(4, 6, 3)
    one = plan(PixelLayout.RGB)
    assert np.array_equal(one(one.decode(rgb, colour=Colour.RGB)), rgb)


def test_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        plan(PixelLayout.RGB).decode(noise(6, 4, 3))
    assert caught.value.problem == "expected a frame of 6 x 4 pixels, got 4 x 6"
    cv2.imwrite(str(tmp_path / "a.png"), noise(5, 5, 3))
    with pytest.raises(ImageError) as caught:
        plan(PixelLayout.RGB).decode(tmp_path / "a.png")
    assert caught.value.where == str(tmp_path / "a.png")


@pytest.mark.parametrize("pixels", [PixelLayout.NV12, PixelLayout.YUYV422])
def test_raw_frames_pass_as_they_are_and_nothing_else_does(pixels: PixelLayout) -> None:
    one = plan(pixels)
    raw = noise(*one.spec.shape)
    assert np.array_equal(one(one.decode(raw)), raw)
    wrong: list[object] = [noise(4, 6, 3), raw.astype(np.uint16), raw.tobytes(), "photo.jpg"]
    for image in wrong:
        with pytest.raises(ImageError, match=f"expected a raw {pixels} frame"):
            one.decode(image)  # type: ignore[arg-type]


def test_an_nv12_frame_may_come_without_its_last_axis() -> None:
    one = plan(PixelLayout.NV12)
    raw = noise(6, 6)
    assert np.array_equal(one(one.decode(raw)), raw[..., np.newaxis])


@pytest.mark.parametrize(
    ("pixels", "size_hw", "fits"),
    [
        (PixelLayout.NV12, (5, 6), False),
        (PixelLayout.NV12, (4, 7), False),
        (PixelLayout.YUYV422, (5, 6), True),
        (PixelLayout.YUYV422, (4, 7), False),
        (PixelLayout.RGB, (5, 7), True),
        (PixelLayout.RGB, (0, 7), False),
        (PixelLayout.RGB, (5, 20000), False),
    ],
)
def test_sides_that_a_layout_cannot_have(
    pixels: PixelLayout, size_hw: tuple[int, int], fits: bool
) -> None:
    if fits:
        assert plan(pixels, size_hw).spec.size_hw == size_hw
    else:
        with pytest.raises(OptionError):
            plan(pixels, size_hw)
