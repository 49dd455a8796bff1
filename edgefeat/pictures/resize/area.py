"""The mean over each target pixel's area, by ONNX Runtime's whole-number convolutions.

OpenCV's INTER_AREA sums floats one by one. ONNX Runtime's kernels for int8 networks do the same
sums with the widest instructions of each CPU, several times faster. The first picture of a size
costs some milliseconds more, for its graph to be opened.
"""

from __future__ import annotations

import math
import os
from _thread import allocate_lock
from functools import lru_cache

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgefeat.engine.providers import ORT_ERRORS
from edgefeat.errors import ImageError
from edgefeat.pictures.resize import areagraph

__all__ = ["fits", "forget", "mean"]

Pixels = NDArray[np.uint8]
Size = tuple[int, int]
_Graph = tuple[areagraph.Plan, ort.InferenceSession]

# Every row of a pattern is a convolution, every column more products: few of them, many times over.
_MOST_ROWS, _MOST_COLUMNS = 28, 56
_FEWEST_REPEATS_Y, _FEWEST_REPEATS_X = 8, 4
_MOST_WEIGHTS = 1 << 20  # some ten times as many bytes while a graph is opened
_KEPT = 8  # sizes whose graphs are kept: a camera has one, folders have a few


@lru_cache(maxsize=64)
def fits(size_hw: Size, target_hw: Size) -> bool:
    """Whether no axis grows, and each has a short pattern of weights that repeats often."""
    (height, width), (rows, columns) = size_hw, target_hw
    repeats_y, repeats_x = math.gcd(height, rows), math.gcd(width, columns)
    return (
        height >= rows
        and width >= columns
        and repeats_y >= max(_FEWEST_REPEATS_Y, rows / _MOST_ROWS)
        and repeats_x >= max(_FEWEST_REPEATS_X, columns / _MOST_COLUMNS)
        and areagraph.weight_count(size_hw, target_hw) <= _MOST_WEIGHTS
    )


def mean(pixels: Pixels, target_hw: Size) -> Pixels:
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


class _Graphs:
    """The open graphs of the sizes seen last.

    One is opened at a time, and none while the process forks: ONNX Runtime's locks would stay shut
    in the child. The child leaves its parent's graphs alone and opens its own.
    """

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._parents: list[object] = []
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._leave_the_parents,
            )

    def get(self, size_hw: Size, target_hw: Size) -> _Graph:
        with self._lock:
            return self._opened(size_hw, target_hw)

    def forget(self) -> None:
        self._opened = lru_cache(maxsize=_KEPT)(_open)

    def _leave_the_parents(self) -> None:
        self._parents.append(self._opened)
        self.forget()
        self._lock.release()


def _open(size_hw: Size, target_hw: Size) -> _Graph:
    plan = areagraph.build(size_hw, target_hw)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would hold megabytes to gain a twentieth
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    session = ort.InferenceSession(plan.graph, options, providers=providers, enable_fallback=0)
    return plan._replace(graph=b""), session


_graphs = _Graphs()


def _described(error: Exception, size_hw: Size, target_hw: Size) -> Exception:
    (height, width), (rows, columns) = size_hw, target_hw
    reason = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, MemoryError) or "alloc" in reason:  # bad allocation, failed to allocate
        return MemoryError(f"resizing {width} x {height} to {columns} x {rows} pixels: {reason}")
    return ImageError(
        f"<{width} x {height} pixels>: cannot be resized to {columns} x {rows}: ONNX Runtime: "
        f"{reason}. Run `edgefeat doctor`."
    )


def _without_padding(blocks: Pixels, used: int) -> Pixels:
    """Return the first `used` bytes of every block; NumPy copies whole items faster than bytes."""
    block = np.dtype({"names": ["pixels"], "formats": [f"V{used}"], "itemsize": blocks.shape[-1]})
    pixels: Pixels = blocks.view(block)["pixels"].copy().view(np.uint8)
    return pixels
