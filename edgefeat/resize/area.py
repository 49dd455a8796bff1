"""The mean over each target pixel's area, by ONNX Runtime's whole-number convolutions.

OpenCV's INTER_AREA sums floats one by one. ONNX Runtime's kernels for int8 networks do the same
sums with the widest instructions of each CPU, several times faster.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edgefeat.providers import ORT_ERRORS
from edgefeat.resize import areagraph

__all__ = ["fits", "mean"]

Pixels = NDArray[np.uint8]
Size = tuple[int, int]

# A pattern of more rows takes more convolutions than it saves, one of more columns more products.
_MOST_ROWS, _MOST_COLUMNS = 32, 56
_KEPT = 8  # sizes whose graphs are kept: a camera has one, folders have a few


def fits(size_hw: Size, target_hw: Size) -> bool:
    """Whether no axis grows, and the weights of each repeat often enough."""
    (height, width), (rows, columns) = size_hw, target_hw
    shrinks = height >= rows and width >= columns
    often_y = rows <= _MOST_ROWS * math.gcd(height, rows)
    return shrinks and often_y and columns <= _MOST_COLUMNS * math.gcd(width, columns)


def mean(pixels: Pixels, target_hw: Size) -> Pixels:
    """Return the area means of a picture that `fits`.

    Args:
        pixels: uint8 `(H, W, 3)`.
        target_hw: Height and width of the result.

    Returns:
        uint8 `(height, width, 3)`: rows are averaged and rounded, then columns.

    Raises:
        MemoryError: Memory is short.
    """
    size_hw = pixels.shape[0], pixels.shape[1]
    try:
        plan, session = _opened(size_hw, target_hw)
        pixels = np.ascontiguousarray(pixels)
        inputs = {
            window.name: pixels[window.first : window.after].reshape(window.shape)
            for window in plan.windows
        }
        (blocks,) = session.run(["means"], inputs)
    except ORT_ERRORS as error:
        (height, width), (rows, columns) = size_hw, target_hw
        what = f"resizing {width} x {height} to {columns} x {rows} pixels"
        raise MemoryError(f"{what}: {' '.join(str(error).split())}") from error
    return _without_padding(blocks, plan.used).reshape(*target_hw, 3)


def _without_padding(blocks: Pixels, used: int) -> Pixels:
    """Return the first `used` bytes of every block; NumPy copies whole items faster than bytes."""
    block = np.dtype({"names": ["pixels"], "formats": [f"V{used}"], "itemsize": blocks.shape[-1]})
    pixels: Pixels = blocks.view(block)["pixels"].copy().view(np.uint8)
    return pixels


@lru_cache(maxsize=_KEPT)
def _opened(size_hw: Size, target_hw: Size) -> tuple[areagraph.Plan, ort.InferenceSession]:
    plan = areagraph.build(size_hw, target_hw)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would hold megabytes to gain a twentieth
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    providers = ["CPUExecutionProvider"]
    return plan, ort.InferenceSession(plan.graph, options, providers=providers, enable_fallback=0)


if hasattr(os, "register_at_fork"):  # a lock that another thread held stays shut in the child
    os.register_at_fork(after_in_child=_opened.cache_clear)
