"""The mean over each target pixel's area, by ONNX Runtime's whole-number convolutions.

OpenCV's INTER_AREA sums floats one by one. ONNX Runtime's kernels for int8 networks do the same
sums with the widest instructions of each CPU, several times faster. The first picture of a size
takes some milliseconds more, because its graph is opened.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from edgefeat.engine.cpu import (
    ORT_ERRORS,
    InferenceSession,
    open_session,
    reason,
    session_options,
)
from edgefeat.errors import ImageError
from edgefeat.locks import allocate_lock

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw
    from edgefeat.pictures.resize.areagraph import AreaPlan

__all__ = ["fits", "forget", "mean", "open_graphs"]

_Graph: TypeAlias = "tuple[AreaPlan, InferenceSession]"

# Every row of a pattern is a convolution, and every column adds products. So the pattern must be
# short, and repeat often.
_MOST_ROWS, _MOST_COLUMNS = 28, 56
_FEWEST_REPEATS_Y, _FEWEST_REPEATS_X = 8, 4
_MOST_WEIGHTS = 1 << 20  # some ten times as many bytes while a graph is opened
_SIZES_KEPT_OPEN = 8  # a camera has one size, folders have a few


@lru_cache(maxsize=64)
def fits(size_hw: SizeHw, target_hw: SizeHw) -> bool:
    """Tell whether no axis grows, and each has a short pattern of weights that repeats often."""
    (height, width), (rows, columns) = size_hw, target_hw
    if height < rows or width < columns:
        return False
    repeats_y, repeats_x = math.gcd(height, rows), math.gcd(width, columns)
    if repeats_y < max(_FEWEST_REPEATS_Y, rows / _MOST_ROWS):
        return False
    if repeats_x < max(_FEWEST_REPEATS_X, columns / _MOST_COLUMNS):
        return False
    from edgefeat.pictures.resize import areagraph  # photos of other sizes need no graph

    return areagraph.weight_count(size_hw, target_hw) <= _MOST_WEIGHTS


def mean(pixels: Pixels, target_hw: SizeHw) -> Pixels:
    """Return the area means of a picture that `fits`.

    Args:
        pixels: uint8 `(H, W, 3)`.
        target_hw: Height and width of the result.

    Returns:
        uint8 `(height, width, 3)`: rows are averaged and rounded, then columns, by weights in
        64ths or finer (`areagraph.weights`).

    Raises:
        MemoryError: Memory is short.
        ImageError: ONNX Runtime failed otherwise.
    """
    size_hw = pixels.shape[0], pixels.shape[1]
    try:
        plan, session = _graphs.get(size_hw, target_hw)
        pixels = np.ascontiguousarray(pixels)
        inputs = {
            window.name: pixels[window.first : window.after].reshape(window.shape)
            for window in plan.windows
        }
        (blocks,) = session.run(["means"], inputs)
    except ORT_ERRORS as error:
        raise _described(error, size_hw, target_hw) from error
    return _without_padding(blocks, plan.used).reshape(*target_hw, 3)


def forget() -> None:
    """Give back the memory of the graphs that are kept; the next picture opens its own again."""
    _graphs.forget()


def open_graphs() -> int:
    """Return for how many pairs of sizes a graph is open."""
    return _graphs.count()


class _Graphs:
    """The open graphs of the sizes seen last, for the whole process.

    One is opened at a time, and none while the process forks: ONNX Runtime's locks would stay shut
    in the child. The child leaves its parent's graphs alone and opens its own.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._left_by_forks: list[object] = []  # tearing a parent's session down would hang here
        self._opened = lru_cache(maxsize=_SIZES_KEPT_OPEN)(_open)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._leave_the_parents,
            )

    def get(self, size_hw: SizeHw, target_hw: SizeHw) -> _Graph:
        with self._lock:
            return self._opened(size_hw, target_hw)

    def count(self) -> int:
        return self._opened.cache_info().currsize

    def forget(self) -> None:
        self._opened = lru_cache(maxsize=_SIZES_KEPT_OPEN)(_open)

    def _leave_the_parents(self) -> None:
        self._left_by_forks.append(self._opened)
        self.forget()
        self._lock.release()


def _open(size_hw: SizeHw, target_hw: SizeHw) -> _Graph:
    from edgefeat.pictures.resize import areagraph

    graph, plan = areagraph.build(size_hw, target_hw)
    # An arena would hold megabytes to gain a twentieth; the graph is written optimised.
    return plan, open_session(graph, session_options(arena=False, optimise=False))


_graphs = _Graphs()  # for the whole process


def _described(error: Exception, size_hw: SizeHw, target_hw: SizeHw) -> Exception:
    (height, width), (rows, columns) = size_hw, target_hw
    why = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, MemoryError) or "alloc" in why:  # bad allocation, failed to allocate
        return MemoryError(f"resizing {width} x {height} to {columns} x {rows} pixels: {why}")
    return ImageError(
        f"cannot be resized to {columns} x {rows}: ONNX Runtime: {reason(error)}",
        where=f"<{width} x {height} pixels>",
        remedy="Run `edgefeat doctor`.",
    )


def _without_padding(blocks: Pixels, used: int) -> Pixels:
    """Return the first `used` bytes of every block; NumPy copies whole items faster than bytes."""
    block = np.dtype({"names": ["pixels"], "formats": [f"V{used}"], "itemsize": blocks.shape[-1]})
    pixels: Pixels = blocks.view(block)["pixels"].copy().view(np.uint8)
    return pixels
