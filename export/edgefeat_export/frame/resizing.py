"""Puts the resize of frames of one size into a graph, if a graph can give the runtime's own bytes.

It can in three ways. A frame of the right size stays as it is. Where the runtime takes area means,
its own graph for them is put in. Bilinear interpolation is done in whole numbers: the runtime uses
it for the interpolation of that name, and where no axis shrinks. At all other sizes the runtime
resizes in stages with OpenCV. No graph gives the bytes of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from enum import Enum, auto
from itertools import islice

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.model.spec import Interpolation
from edgefeat.pictures.resize import area, areagraph
from edgefeat_export.frame.steps import Steps

__all__ = ["Way", "append", "nearest", "way"]

SizeHw = tuple[int, int]
_SEARCHED = 96  # sizes that differ by at most so many pixels are tried
_FRACTION_BITS = 8  # bits of a bilinear weight, on each axis


class Way(Enum):
    """How a frame gets the size of the network's input."""

    SAME = auto()
    AREA = auto()
    BILINEAR = auto()


def way(size_hw: SizeHw, target_hw: SizeHw, interpolation: Interpolation) -> Way | None:
    """Return the exact way for a size, or None if there is none.

    Args:
        size_hw: Height and width of the frame.
        target_hw: Height and width of the network's input.
        interpolation: How the network's spec has pixels resampled.
    """
    if size_hw == target_hw:
        return Way.SAME
    if interpolation is Interpolation.BILINEAR:
        return Way.BILINEAR
    if area.fits(size_hw, target_hw):
        return Way.AREA
    grows = all(side <= target for side, target in zip(size_hw, target_hw, strict=True))
    return Way.BILINEAR if grows else None


def nearest(size_hw: SizeHw, is_exact: Callable[[SizeHw], bool], *, count: int = 3) -> list[SizeHw]:
    """Return the sizes nearest to one that have an exact way, the nearest first.

    Args:
        size_hw: The size that has none.
        is_exact: Tells whether a size has an exact way.
        count: How many to return, at most.
    """
    height, width = size_hw
    around = (
        (other_h, other_w)
        for other_h in range(max(1, height - _SEARCHED), height + _SEARCHED + 1)
        for other_w in range(max(1, width - _SEARCHED), width + _SEARCHED + 1)
    )
    ordered = sorted(around, key=lambda one: (math.dist(one, size_hw), one))
    return list(islice(filter(is_exact, ordered), count))


def append(
    steps: Steps,
    value: str,
    chosen: Way,
    size_hw: SizeHw,
    target_hw: SizeHw,
    *,
    channels: int,
    kept: Sequence[int],
) -> str:
    """Append the resize.

    Args:
        steps: Where to.
        value: uint8 `(1, height, width, channels)`.
        chosen: The way that `way` gave for these sizes.
        size_hw: The value's height and width.
        target_hw: The result's.
        channels: How many values a pixel has.
        kept: Which of them the result keeps, in order.

    Returns:
        The result's name: uint8 `(1, height, width, len(kept))`.
    """
    in_order = tuple(kept) == tuple(range(channels))
    if chosen is Way.BILINEAR:
        return _bilinear(steps, value, size_hw, target_hw, channels, kept)
    if chosen is Way.AREA or (not in_order and area.fits(size_hw, target_hw)):
        return _area(steps, value, size_hw, target_hw, channels, kept)  # reorders at no cost
    return value if in_order else steps.take(value, 3, kept)


def _area(
    steps: Steps,
    value: str,
    size_hw: SizeHw,
    target_hw: SizeHw,
    channels: int,
    kept: Sequence[int],
) -> str:
    data, plan = areagraph.build(size_hw, target_hw, cuts=True, channels=channels, kept=kept)
    (window,) = plan.windows
    repeats = steps.reshape(value, *window.shape)
    blocks = steps.include(onnx.load_model_from_string(data).graph, {window.name: repeats})
    return steps.reshape(steps.slice(blocks, 3, 0, plan.used), 1, *target_hw, len(kept))


def _bilinear(
    steps: Steps,
    value: str,
    size_hw: SizeHw,
    target_hw: SizeHw,
    channels: int,
    kept: Sequence[int],
) -> str:
    """Append sums of four neighbours, which int32 holds, rounded once at the end.

    A row is one axis of pixels and colours together, because short last axes are slow.
    """
    (top, bottom, below), (left, right, beside) = (
        _neighbours(side, target) for side, target in zip(size_hw, target_hw, strict=True)
    )
    flat = steps.reshape(value, size_hw[0], size_hw[1] * channels)
    whole = 1 << _FRACTION_BITS
    total = steps.constant(np.array(1 << 2 * _FRACTION_BITS - 1, np.int32))
    for rows, down in ((top, whole - below), (bottom, below)):
        lines = steps.take(flat, 0, rows)
        parts = []
        for columns, across in ((left, whole - beside), (right, beside)):
            places = columns[:, np.newaxis] * channels + np.array(kept)
            corner = steps.cast(steps.take(lines, 1, places.reshape(-1)), np.int32)
            weights = steps.constant(np.repeat(across, len(kept)).astype(np.int32))
            parts.append(steps.add("Mul", [corner, weights]))
        weights = steps.constant(down.astype(np.int32)[:, np.newaxis])
        line = steps.add("Mul", [steps.add("Add", parts), weights])
        total = steps.add("Add", [total, line])
    bits = steps.constant(np.array(2 * _FRACTION_BITS, np.uint32))
    shifted = steps.add("BitShift", [steps.cast(total, np.uint32), bits], direction="RIGHT")
    return steps.reshape(steps.cast(shifted, np.uint8), 1, *target_hw, len(kept))


def _neighbours(
    side: int, target: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return for each target pixel its two neighbours, and the second one's weight in 256ths.

    The step is the reciprocal of a reciprocal, as OpenCV computes it.
    """
    step = 1.0 / (target / side)
    place = (np.arange(target) + 0.5) * step - 0.5
    first = np.floor(place).astype(np.int64)
    weight = np.rint((place - first) * (1 << _FRACTION_BITS)).astype(np.int64)
    second = np.clip(first + 1, 0, side - 1)
    return np.clip(first, 0, side - 1), second, weight
