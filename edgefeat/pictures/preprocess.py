"""A picture's pixels become the graph's input: crop, resize or pad, colour order. Nothing else.

All arithmetic after this (normalisation) is inside the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.model.spec import Colour, DecodePolicy, InputSpec, Interpolation, ResizeMode
from edgefeat.options.extractor import DEFAULT_MAX_PIXELS
from edgefeat.pictures import geometry, resize
from edgefeat.pictures.decode import load_bgr
from edgefeat.record import Record

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw
    from edgefeat.pictures.decode import ImageInput
    from edgefeat.pictures.encoded import OnDamaged

    Resampler = Callable[[Pixels, SizeHw], Pixels]

__all__ = ["Preprocessor"]

_KEEP_SIDE_RATIO = 2.25
"""How many times the input's longer side a JPEG's shorter side keeps when it is decoded smaller."""

_RESAMPLERS: dict[Interpolation, Resampler] = {
    Interpolation.ANTIALIAS: resize.antialias,
    Interpolation.BILINEAR: resize.bilinear,
}


class Preprocessor(Record):
    """The plan made once from a model's `InputSpec` and run for every picture.

    Args:
        size_hw: Height and width of the graph's input.
        colour: Channel order of the graph's input.
        mode: How a picture of another shape meets it.
        crop_fraction: Share of the largest window that is taken; used with `center_crop`.
        pad_value: Grey level around the picture, 0 to 255; used with `letterbox`.
        resample: Resizes pixels to a height and width.
        keep_side: What a JPEG's shorter side must keep when it is decoded at a reduced scale; None
            decodes at full scale.
    """

    size_hw: SizeHw
    colour: Colour
    mode: ResizeMode
    crop_fraction: float
    pad_value: int
    resample: Resampler
    keep_side: int | None

    @classmethod
    def from_spec(cls, spec: InputSpec) -> Preprocessor:
        """Turn a spec into a plan.

        A JPEG decoded at a reduced scale keeps 2.25 times the input's longer side, measured before
        any crop. At only twice that side, the decoder's own averaging begins to show in the
        features (tests/bench/bench_resize.py measures it).
        """
        keep_side = None
        if spec.resize.decode is DecodePolicy.REDUCED:
            keep_side = round(_KEEP_SIDE_RATIO * max(spec.size_hw) / spec.resize.crop_fraction)
        return cls(
            size_hw=spec.size_hw,
            colour=spec.colour,
            mode=spec.resize.mode,
            crop_fraction=spec.resize.crop_fraction,
            pad_value=spec.resize.pad_value,
            resample=_RESAMPLERS[spec.resize.interpolation],
            keep_side=keep_side,
        )

    def decode(
        self,
        image: ImageInput,
        *,
        colour: Colour = Colour.BGR,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        on_damaged: OnDamaged | None = None,
    ) -> Pixels:
        """Return a picture decoded for this plan: uint8 `(H, W, 3)`, BGR; see `load_bgr`.

        A large JPEG is decoded at a reduced scale where the plan allows it.
        """
        return load_bgr(
            image,
            colour=colour,
            max_pixels=max_pixels,
            keep_side=self.keep_side,
            on_damaged=on_damaged,
        )

    def __call__(self, frame_bgr: Pixels) -> Pixels:
        """Return the graph's input for one picture.

        Args:
            frame_bgr: uint8 `(H, W, 3)`, BGR.

        Returns:
            uint8 `(height, width, channels)` in the model's size and colour order, contiguous.
        """
        if self.mode is ResizeMode.LETTERBOX:
            resized = self._letterbox(frame_bgr)
        elif self.mode is ResizeMode.CENTER_CROP:
            resized = self.resample(self._center_crop(frame_bgr), self.size_hw)
        else:
            resized = self.resample(frame_bgr, self.size_hw)
        return self._in_colour_order(resized)

    def check(self, prepared: Pixels) -> Pixels:
        """Return stacked pictures, uint8 `(N, height, width, channels)`, if `__call__` makes such.

        Raises:
            ValueError: They are of another type or shape.
        """
        channels = 1 if self.colour is Colour.GREY else 3
        expected = (*self.size_hw, channels)
        if prepared.dtype != np.uint8 or prepared.ndim != 4 or prepared.shape[1:] != expected:
            raise ValueError(
                f"images: expected uint8 of shape (N, {', '.join(map(str, expected))}), as "
                f"prepare makes them, got {prepared.dtype} of shape {prepared.shape}"
            )
        return prepared

    def _center_crop(self, frame: Pixels) -> Pixels:
        """Cut the largest centred window of the input's shape, times `crop_fraction`."""
        size_hw = frame.shape[0], frame.shape[1]
        window = geometry.centre(size_hw, self.size_hw, self.crop_fraction)
        return frame[window.rows, window.columns]

    def _letterbox(self, frame: Pixels) -> Pixels:
        """Fit the whole picture inside, centred, and fill the rest with `pad_value`."""
        window = geometry.fitted((frame.shape[0], frame.shape[1]), self.size_hw)
        canvas = np.full((*self.size_hw, 3), self.pad_value, np.uint8)
        canvas[window.rows, window.columns] = self.resample(frame, window.size_hw)
        return canvas

    def _in_colour_order(self, frame_bgr: Pixels) -> Pixels:
        if self.colour is Colour.BGR:
            return np.ascontiguousarray(frame_bgr)
        if self.colour is Colour.GREY:
            return cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)[..., np.newaxis].astype(np.uint8)
        return cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
