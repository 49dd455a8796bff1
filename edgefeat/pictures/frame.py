"""A bundle's input: a frame of one size in the layout of its bytes, which the graph resizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.errors import ImageError
from edgefeat.model.frame import FrameSpec, PixelLayout
from edgefeat.model.spec import Colour
from edgefeat.options.extractor import DEFAULT_MAX_PIXELS
from edgefeat.pictures.decode import load_bgr
from edgefeat.record import Record

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels
    from edgefeat.pictures.decode import ImageInput
    from edgefeat.pictures.encoded import OnDamaged

__all__ = ["FrameInput"]

_FROM_BGR = {PixelLayout.RGB: cv2.COLOR_BGR2RGB, PixelLayout.RGBA: cv2.COLOR_BGR2RGBA}
_MADE_FROM_BGR = (PixelLayout.BGR, *_FROM_BGR)


class FrameInput(Record):
    """What a bundle does to a picture: nothing but the order of its bytes.

    Args:
        spec: The frame that the bundle takes.
    """

    spec: FrameSpec

    def decode(
        self,
        image: ImageInput,
        *,
        colour: Colour = Colour.BGR,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        on_damaged: OnDamaged | None = None,
    ) -> Pixels:
        """Return a frame of the bundle's size.

        Args:
            image: A picture as `load_bgr` takes it, always decoded at full scale. A bundle for
                `nv12` or `yuyv422` takes raw frames only: a uint8 array of `spec.shape`, with or
                without its last axis if that is 1.
            colour: Channel order if `image` is an array of three channels.
            max_pixels: Largest picture that is decoded.
            on_damaged: Told where a decoder reports damage; see `load_bgr`.

        Returns:
            uint8 `(height, width, 3)`, BGR; of a raw frame, the frame.

        Raises:
            ImageError: It cannot be read, or has another size.
        """
        if self.spec.pixels not in _MADE_FROM_BGR:
            return self._raw(image)
        frame = load_bgr(image, colour=colour, max_pixels=max_pixels, on_damaged=on_damaged)
        if frame.shape[:2] != self.spec.size_hw:
            (height, width), (rows, columns) = self.spec.size_hw, frame.shape[:2]
            raise ImageError(
                f"expected a frame of {width} x {height} pixels, got {columns} x {rows}",
                where=None if isinstance(image, np.ndarray | bytes) else str(image),
                remedy="Use the model that the bundle was made from, which takes every size.",
            )
        return frame

    def __call__(self, frame: Pixels) -> Pixels:
        """Return the graph's input: uint8 of `spec.shape`, contiguous.

        Args:
            frame: Frame that `decode` returned.
        """
        conversion = _FROM_BGR.get(self.spec.pixels)
        if conversion is None:
            return np.ascontiguousarray(frame)
        return cv2.cvtColor(frame, conversion).astype(np.uint8, copy=False)

    def check(self, prepared: Pixels) -> Pixels:
        """Return stacked frames, uint8 `(N, *spec.shape)`, if they are as `__call__` makes them.

        Raises:
            ValueError: They are of another type or shape.
        """
        expected = self.spec.shape
        if prepared.dtype != np.uint8 or prepared.ndim != 4 or prepared.shape[1:] != expected:
            raise ValueError(
                f"images: expected uint8 of shape (N, {', '.join(map(str, expected))}), "
                f"{self.spec.pixels} frames, got {prepared.dtype} of shape {prepared.shape}"
            )
        return prepared

    def _raw(self, image: ImageInput) -> Pixels:
        rows, columns, values = shape = self.spec.shape
        if isinstance(image, np.ndarray) and image.dtype == np.uint8:
            frame = image.astype(np.uint8, copy=False)
            if frame.shape == shape:
                return frame
            if values == 1 and frame.shape == (rows, columns):
                return frame[..., np.newaxis]
        got = (
            f"{image.dtype} of shape {image.shape}"
            if isinstance(image, np.ndarray)
            else type(image).__name__
        )
        raise ImageError(
            f"expected a raw {self.spec.pixels} frame, a uint8 array of shape {shape}, got {got}",
            remedy="Give pictures to the model that the bundle was made from.",
        )
