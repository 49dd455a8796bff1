"""What OpenCV hands on of a camera whose frames it was told not to convert, seen from the frame.

`make test-cameras` drives OpenCV's own Video4Linux code with such frames.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.sources import FrameError, PixelFormat, RawFormat
from edgefeat.sources.base import Unconverted
from edgefeat.sources.camera_frames import as_sent
from edgefeat.testing.faults import numbered_frame

PICTURE = numbered_frame(5)
SIZE_HW = PICTURE.shape[:2]
JPEG = cv2.imencode(".jpg", PICTURE)[1].reshape(-1).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, -1), (-1, 1), (-1,)], ids=["row", "column", "flat"])
def test_a_jpeg_stays_as_it_came(shape: tuple[int, ...]) -> None:
    assert as_sent(JPEG.reshape(shape), None, "cam") == JPEG.tobytes()


def test_padding_behind_a_jpeg_goes() -> None:
    padded = np.concatenate([JPEG, np.zeros(999, np.uint8)])
    assert as_sent(padded[np.newaxis], None, "cam") == JPEG.tobytes()


@pytest.mark.parametrize("raw", [None, RawFormat(size_hw=SIZE_HW, pixel=PixelFormat.YUYV422)])
def test_pixels_that_were_converted_all_the_same_are_taken(raw: RawFormat | None) -> None:
    assert as_sent(PICTURE, raw, "cam") is PICTURE


@pytest.mark.parametrize(
    ("pixel", "to_yuv", "to_bgr"),
    [
        (PixelFormat.YUYV422, cv2.COLOR_BGR2YUV_YUYV, cv2.COLOR_YUV2BGR_YUYV),
        (PixelFormat.YUV420P, cv2.COLOR_BGR2YUV_I420, cv2.COLOR_YUV2BGR_I420),
        (PixelFormat.GRAY8, cv2.COLOR_BGR2GRAY, cv2.COLOR_GRAY2BGR),
    ],
)
def test_a_raw_frame_becomes_pixels_when_it_is_wanted(
    pixel: PixelFormat, to_yuv: int, to_bgr: int
) -> None:
    frame = cv2.cvtColor(PICTURE, to_yuv).astype(np.uint8)
    found = as_sent(frame, RawFormat(size_hw=SIZE_HW, pixel=pixel), "cam")
    assert isinstance(found, Unconverted)
    assert found.size_hw == SIZE_HW
    assert np.array_equal(found.convert(), cv2.cvtColor(frame, to_bgr))
    other = as_sent(frame + 1, RawFormat(size_hw=SIZE_HW, pixel=pixel), "cam")
    assert isinstance(other, Unconverted)
    assert other.sample != found.sample  # so that a frozen picture can be told


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (JPEG[np.newaxis, :-300], "the JPEG end marker is missing"),
        (np.zeros((1, 4096), np.uint8), "not a picture of a known format"),
        (np.zeros((1, 0), np.uint8), "got uint8 of 1 x 0"),
        (np.zeros((64, 190, 2), np.uint8), "got uint8 of 64 x 190 x 2"),
        (np.zeros((64, 192), np.uint16), "got uint16 of 64 x 192"),
        (np.zeros((64, 192, 4), np.uint8), "got uint8 of 64 x 192 x 4"),
    ],
    ids=["cut", "zeros", "empty", "another width", "16 bits", "four channels"],
)
def test_what_is_no_frame_is_damaged(frame: Any, problem: str) -> None:
    raw = RawFormat(size_hw=SIZE_HW, pixel=PixelFormat.YUYV422)
    with pytest.raises(FrameError) as caught:
        as_sent(frame, raw, "cam")
    assert problem in str(caught.value)
    assert "cam" in str(caught.value)


def test_a_jpeg_gives_the_features_of_the_file(extractor: edgefeat.FeatureExtractor) -> None:
    large = cv2.imencode(".jpg", cv2.resize(PICTURE, (1920, 1080)))[1]
    sent = as_sent(large.reshape(1, -1), None, "cam")
    assert isinstance(sent, bytes)
    assert np.array_equal(extractor.extract(sent), extractor.extract(large.tobytes()))
