"""Parts of the picture in which motion does not count: a tree, a street, a clock's digits.

A mask goes the way of a frame: cut, and resized by the extractor. So it fits the model's input,
whatever the model's way of resizing is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Pixels
from edgefeat.errors import ImageError, SourceError
from edgefeat.options.masks import MaskPart
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.pictures.headers import read_header
from edgefeat.streaming.gates.gates import Region

__all__ = ["Mask"]

_COUNTS = 128  # a pixel of the mask that is darker does not count
_Size = tuple[int, int]


class Mask:
    """Where motion counts, for frames of any size.

    Args:
        parts: What does not count: regions, and pictures that are black there.
        cut: Which part of a frame is looked at; None: the whole.
        prepare: Returns a picture as the graph takes it, uint8 `(height, width, channels)`.

    Raises:
        ImageError: A picture cannot be read.
    """

    def __init__(
        self,
        parts: Sequence[MaskPart],
        cut: Region | None,
        prepare: Callable[[ImageInput], Pixels],
    ) -> None:
        self._regions = [Region(part) for part in parts if not isinstance(part, str)]
        self._pictures = [_darkness(part) for part in parts if isinstance(part, str)]
        self._cut, self._prepare = cut, prepare
        self._stated: _Size | None = None
        self._size_hw: _Size | None = None
        self._weights: NDArray[np.float32] | None = None

    def weights(self, image: ImageInput) -> NDArray[np.float32]:
        """Return which pixels of a frame's model input count: float32 `(height, width)`, 0 or 1.

        Args:
            image: The frame. The same array is returned as long as frames have the same size.

        Raises:
            SourceError: A region reaches out of the picture, or nothing is left.
        """
        stated = _stated_size(image)
        if self._weights is None or stated is None or stated != self._stated:
            size_hw = image.shape[:2] if isinstance(image, np.ndarray) else None
            size_hw = size_hw or load_bgr(image, on_damaged=lambda _: None).shape[:2]
            if self._weights is None or size_hw != self._size_hw:
                self._weights, self._size_hw = self._made(size_hw), size_hw
            self._stated = stated
        return self._weights

    def _made(self, size_hw: _Size) -> NDArray[np.float32]:
        height, width = size_hw
        canvas = np.full((height, width, 3), 255, np.uint8)
        for region in self._regions:
            x, y, w, h = region.place(size_hw, option="mask")
            canvas[y : y + h, x : x + w] = 0
        for picture in self._pictures:
            fitted = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST)
            canvas[fitted < _COUNTS] = 0
        prepared = self._prepare(canvas if self._cut is None else self._cut.cut(canvas))
        weights: NDArray[np.float32] = (prepared[..., 0] >= _COUNTS).astype(np.float32)
        if not weights.any():
            raise SourceError("covers the whole picture", option="mask", remedy="Leave some of it.")
        return weights


def _darkness(path: str) -> NDArray[np.uint8]:
    pixels = load_bgr(path)
    grey: NDArray[np.uint8] = pixels.max(axis=2)
    if (grey >= _COUNTS).all() or (grey < _COUNTS).all():
        raise ImageError(
            "expected a picture that is black where motion does not count and white elsewhere, "
            f"got one that is all {'white' if grey[0, 0] >= _COUNTS else 'black'}",
            where=path,
        )
    return grey


def _stated_size(image: ImageInput) -> _Size | None:
    """Return the size that an array has or bytes state; None for what must be opened to know."""
    if isinstance(image, np.ndarray):
        return image.shape[0], image.shape[1]
    if isinstance(image, bytes | bytearray | memoryview):
        header = read_header(bytes(image))
        return header.height, header.width
    return None
