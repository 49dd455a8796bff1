"""Raw frames become pixels of three colours, by OpenCV's own whole numbers.

`yuyv422` and `nv12` are BT.601 in limited range. OpenCV multiplies by these factors, adds a half
and shifts right by 20; so does the graph, in int32 that never overflows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgefeat.model.frame import FrameSpec, PixelLayout
from edgefeat_export.frame.steps import Steps

__all__ = ["channels", "from_yuv", "grey", "is_yuv", "places"]

_SHIFT = 20
_HALF = 1 << _SHIFT - 1
_BLACK, _NO_COLOUR = 16, 128
_Y = 1220542
_OF_U_AND_V = {"r": (0, 1673527), "g": (-409993, -852492), "b": (2116026, 0)}

# Grey is 9798 parts of red, 19235 of green and 3735 of blue, of 32768; a half is added first.
_GREY_SHIFT = 15
_GREY = {"r": 9798, "g": 19235, "b": 3735}

_COLOURS = {PixelLayout.RGB: "rgb", PixelLayout.BGR: "bgr", PixelLayout.RGBA: "rgba"}


def is_yuv(pixels: PixelLayout) -> bool:
    """Tell whether colours have to be computed before anything else."""
    return pixels not in _COLOURS


def channels(pixels: PixelLayout) -> int:
    """Return how many values a pixel has."""
    return len(_COLOURS[pixels])


def places(pixels: PixelLayout, wanted: str) -> tuple[int, ...]:
    """Return where a pixel's values stand, in the wanted order, such as `"bgr"`."""
    return tuple(_COLOURS[pixels].index(colour) for colour in wanted)


def from_yuv(steps: Steps, value: str, frame: FrameSpec, wanted: str) -> str:
    """Append the conversion of a whole frame: uint8 `(1, height, width, 3)` in the wanted order.

    Even and odd columns are made apart. Both have the shape of their colours then, and no step
    runs along an axis of two values, which would cost eight times as much.

    Args:
        steps: Takes the nodes.
        value: Name of the frame's value.
        frame: Size and layout of the frame.
        wanted: Order of the colours in the result, such as `"bgr"`.
    """
    height, width = frame.size_hw
    lumas, u, v = (_nv12 if frame.pixels is PixelLayout.NV12 else _yuyv422)(steps, value, frame)
    u, v = _minus(steps, u, _NO_COLOUR), _minus(steps, v, _NO_COLOUR)
    tints = [_tint(steps, u, v, *_OF_U_AND_V[colour]) for colour in wanted]
    limits = [steps.constant(np.array(level, np.uint8)) for level in (_BLACK, 255)]
    made = []
    for luma in lumas:
        bright = _minus(steps, steps.add("Clip", [luma, *limits]), _BLACK)
        bright = _times(steps, bright, _Y)
        for tint in tints:
            level = _shifted(steps, steps.add("Add", [bright, tint]), _SHIFT)
            made.append(steps.reshape(level, height, width // 2, 1))
    return steps.reshape(steps.add("Concat", made, axis=2), 1, height, width, 3)


def _nv12(steps: Steps, value: str, frame: FrameSpec) -> tuple[list[str], str, str]:
    """Return Y of even and of odd columns, U and V; rows in pairs, which share U and V."""
    height, width = frame.size_hw
    luma = steps.reshape(steps.slice(value, 1, 0, height), height, width // 2, 2)
    colour = steps.slice(value, 1, height, height * 3 // 2)
    colour = steps.reshape(colour, height // 2, width // 2, 2)
    pairs = height // 2, 2, width // 2
    lumas = [steps.reshape(steps.take(luma, 2, (place,)), *pairs) for place in (0, 1)]
    u, v = (
        steps.reshape(steps.take(colour, 2, (place,)), height // 2, 1, width // 2)
        for place in (0, 1)
    )
    return lumas, u, v


def _yuyv422(steps: Steps, value: str, frame: FrameSpec) -> tuple[list[str], str, str]:
    """Return Y of even and of odd columns, U and V: each `(height, width / 2)`."""
    height, width = frame.size_hw
    quads = steps.reshape(value, height, width // 2, 4)
    even, u, odd, v = (
        steps.reshape(steps.take(quads, 2, (place,)), height, width // 2) for place in range(4)
    )
    return [even, odd], u, v


def _tint(steps: Steps, u: str, v: str, of_u: int, of_v: int) -> str:
    """Append what U and V add to one colour, with the half that rounds."""
    tint = steps.constant(np.array(_HALF, np.int32))
    for part, factor in ((u, of_u), (v, of_v)):
        if factor:
            tint = steps.add("Add", [tint, _times(steps, part, factor)])
    return tint


def grey(steps: Steps, value: str, order: str) -> str:
    """Append the grey level of pixels in an order of colours: uint8 `(1, height, width, 1)`.

    Args:
        steps: Takes the nodes.
        value: Name of the value with the pixels: uint8 `(1, height, width, 3)`.
        order: Order of its colours, such as `"bgr"`.
    """
    factors = steps.constant(np.array([_GREY[colour] for colour in order], np.int32))
    parts = steps.add("Mul", [steps.cast(value, np.int32), factors])
    summed = steps.add("ReduceSum", [parts, steps.whole_numbers(3)], keepdims=1)
    half = steps.constant(np.array(1 << _GREY_SHIFT - 1, np.int32))
    return _shifted(steps, steps.add("Add", [summed, half]), _GREY_SHIFT)


def _minus(steps: Steps, value: str, offset: int) -> str:
    return steps.add(
        "Sub", [steps.cast(value, np.int32), steps.constant(np.array(offset, np.int32))]
    )


def _times(steps: Steps, value: str, factor: int) -> str:
    return steps.add("Mul", [value, steps.constant(np.array(factor, np.int32))])


def _shifted(steps: Steps, value: str, shift: int) -> str:
    """Append bytes: whole numbers shifted right, what is below 0 or above 255 cut off."""
    bounds: Sequence[int] = (0, (256 << shift) - 1)
    limits = [steps.constant(np.array(bound, np.int32)) for bound in bounds]
    kept = steps.cast(steps.add("Clip", [value, *limits]), np.uint32)
    bits = steps.constant(np.array(shift, np.uint32))
    return steps.cast(steps.add("BitShift", [kept, bits], direction="RIGHT"), np.uint8)
