"""The graph that takes area means: a depthwise convolution of rows, then a dense one of columns.

Where source and target have a common divisor, the weights repeat. 480 rows become 224 as 15 rows
become 7, and that 32 times. So one convolution makes every seventh row, and seven convolutions make
all rows. Columns are made a block at a time: one matrix of weights makes 7 pixels of 20.

A small picture is given as one window for each of these convolutions. Nothing is copied. A
large picture is given whole: the graph cuts it into its repeats and copies the rows of each
convolution together. That copy runs through the picture once and brings it into the CPU's cache.
Windows with gaps would miss the cache at every row.

The bytes are the same on every CPU, for three reasons. Weights are whole numbers that sum to a
power of two. On CPUs that add two products in 16 bits, the sums stay within 16 bits. Scaling by a
power of two is exact, and halves are rounded to even everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.pictures.resize.onnxgraph import constant, model, node, uint8_value
from edgefeat.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgefeat.arrays import SizeHw

    Weights = NDArray[np.int8]

__all__ = ["AreaPlan", "RowWindow", "build", "weight_count", "weights"]

_FEWEST_COLUMNS_IN_BLOCK = 7  # kernels make 16 and more sums at once
_DENSE_MULTIPLE = 4  # the fast dense kernels make sums in fours
# A depthwise kernel takes channels sixteen at a time; more than 1024 a row gain nothing.
_CHANNEL_MULTIPLE, _MOST_CHANNELS = 16, 1024
_LARGEST_WEIGHT = 127  # int8
_LARGEST_WEIGHT_SUM = 1 << 16  # for one mean; a float holds 255 times as much exactly
_SMALLEST_WEIGHT_SUM = 64
_CUT_FROM_BYTES = 4 << 20  # below, the copies cost more than they save (bench_resize.py)


class RowWindow(Record):
    """One input of the graph: some of the source's rows.

    Args:
        name: The input's name.
        first: The first row.
        after: The row after the last.
        shape: How the rows are laid out for the graph.
    """

    name: str
    first: int
    after: int
    shape: tuple[int, ...]


class AreaPlan(Record):
    """How to use a graph, whose output is uint8 `(1, rows, blocks, values)`.

    Args:
        windows: Inputs of the graph; a graph that cuts has one, the whole picture as repeats of
            rows.
        used: How many values of a block are pixels; those after them were added for the kernels.
    """

    windows: list[RowWindow]
    used: int


def build(
    size_hw: SizeHw,
    target_hw: SizeHw,
    *,
    cuts: bool | None = None,
    channels: int = 3,
    kept: Sequence[int] = (0, 1, 2),
) -> tuple[bytes, AreaPlan]:
    """Return the graph for pictures of one size, serialized, and how to use it.

    Args:
        size_hw: Height and width of the pictures.
        target_hw: Height and width of the result.
        cuts: Whether the graph takes the whole picture and cuts it into repeats itself. None does
            what is faster at this size; the bytes are the same.
        channels: Values of a pixel in the pictures.
        kept: Places of the values that the result keeps, in its order.
    """
    (height, width), (rows, columns) = size_hw, target_hw
    if cuts is None:
        cuts = channels * height * width >= _CUT_FROM_BYTES
    windows, constants, nodes = (_rows_of_repeats if cuts else _rows)(
        height, rows, channels * width
    )
    blocks = _blocks(width, columns)
    values = len(kept) * columns // blocks
    padded = values + -values % _DENSE_MULTIPLE
    block_shape = np.array([1, rows, blocks, channels * width // blocks], np.int64)
    dense, scale = _dense(width // blocks, columns // blocks, padded, channels, kept)
    constants += [
        constant("one", np.array(1, np.float32)),
        constant("zero", np.array(0, np.uint8)),
        constant("zero weight", np.array(0, np.int8)),
        constant("block shape", block_shape),
        constant("column weights", dense),
        constant("column scale", scale),
    ]
    nodes += [
        node("Reshape", ["rows", "block shape"], "blocks"),
        _convolution("blocks", "column weights", "column scale", "means"),
    ]
    inputs = [uint8_value(window.name, window.shape) for window in windows]
    outputs = [uint8_value("means", (1, rows, blocks, padded))]
    graph = model(nodes, constants, inputs, outputs)
    return graph, AreaPlan(windows=windows, used=values)


def weight_count(size_hw: SizeHw, target_hw: SizeHw) -> int:
    """Return about how many weights, a byte each, the graph for a size has."""
    (height, width), (rows, columns) = size_hw, target_hw
    kinds, taps = rows // math.gcd(height, rows), -(-height // rows) + 1
    blocks = _blocks(width, columns)
    dense = 3 * width // blocks * (3 * columns // blocks)
    return kinds * taps * 3 * width // _parts(3 * width) + dense


def weights(source: int, target: int) -> tuple[Weights, int]:
    """Return the share of each source pixel in each target pixel, and the sum of a target's shares.

    The shares are whole numbers, int8 `(target, source)`. Their sum is the largest power of two, up
    to 65536, that leaves every share within 127. The running sums are rounded, not the shares, so
    that no more than half a unit is ever on the wrong side of a pixel.
    """
    start, cell = np.arange(target)[:, None] * source, np.arange(source) * target
    ends = np.minimum(start + source, cell + target)
    overlap = np.maximum(ends - np.maximum(start, cell), 0)  # a target's sum to `source`
    total = _SMALLEST_WEIGHT_SUM
    while total < _LARGEST_WEIGHT_SUM and 2 * total * overlap.max() <= _LARGEST_WEIGHT * source:
        total *= 2
    sums = (2 * total * overlap.cumsum(axis=1) + source) // (2 * source)
    sums[:, 1:] -= sums[:, :-1].copy()
    return sums.astype(np.int8), total


def _rows(height: int, rows: int, values: int) -> tuple[list[RowWindow], list[bytes], list[bytes]]:
    """Return inputs, constants and nodes that make `rows` from a picture's rows of `values`."""
    repeats, parts = math.gcd(height, rows), _parts(values)
    step, channels = height // repeats, values // parts
    windows, constants, nodes, made = [], [], [], []
    for i, (first, taps, scale) in enumerate(_kinds(step, rows // repeats)):
        after = first + (repeats - 1) * step + len(taps)
        source, row_weights, row_scale = f"source{i}", f"row weights{i}", f"row scale{i}"
        shape = (1, after - first, parts, channels)
        windows.append(RowWindow(name=source, first=first, after=after, shape=shape))
        spread = np.broadcast_to(taps[:, None], (channels, 1, len(taps), 1))
        constants += [constant(row_weights, spread), constant(row_scale, scale)]
        made.append(f"rows{i}")
        nodes.append(
            _convolution(source, row_weights, row_scale, made[-1], len(taps), step, channels)
        )
    nodes.append(node("Concat", made, "rows", attributes={"axis": 2}))
    return windows, constants, nodes


def _rows_of_repeats(
    height: int, rows: int, values: int
) -> tuple[list[RowWindow], list[bytes], list[bytes]]:
    """Return the same as `_rows` for a graph that takes the whole picture and cuts it."""
    repeats, parts = math.gcd(height, rows), _parts(values)
    step, channels = height // repeats, values // parts
    constants, nodes, made = [constant("rows axis", np.array([1], np.int64))], [], []
    for i, (first, taps, scale) in enumerate(_kinds(step, rows // repeats)):
        first_row, after_row, source = f"first{i}", f"after{i}", f"source{i}"
        row_weights, row_scale = f"row weights{i}", f"row scale{i}"
        spread = np.broadcast_to(taps[:, None], (channels, 1, len(taps), 1))
        constants += [
            constant(first_row, np.array([first], np.int64)),
            constant(after_row, np.array([first + len(taps)], np.int64)),
            constant(row_weights, spread),
            constant(row_scale, scale),
        ]
        made.append(f"rows{i}")
        nodes += [
            node("Slice", ["repeats", first_row, after_row, "rows axis"], source),
            _convolution(
                source, row_weights, row_scale, made[-1], taps=len(taps), channels=channels
            ),
        ]
    nodes.append(node("Concat", made, "rows", attributes={"axis": 1}))
    shape = (repeats, step, parts, channels)
    return [RowWindow(name="repeats", first=0, after=height, shape=shape)], constants, nodes


def _kinds(source: int, target: int) -> Iterator[tuple[int, Weights, NDArray[np.float32]]]:
    """Yield each target row's first source row, its weights and their scale."""
    every, total = weights(source, target)
    for i, row in enumerate(every):
        first, after = i * source // target, -(-(i + 1) * source // target)
        yield first, row[first:after], np.array(1 / total, np.float32)


def _parts(values: int) -> int:
    """Return into how many parts a row is cut: every channel has weights, so long rows are cut."""
    if values % _CHANNEL_MULTIPLE:
        return 1
    several = range(-(-values // _MOST_CHANNELS), values // _CHANNEL_MULTIPLE + 1)
    return next(n for n in several if values % (n * _CHANNEL_MULTIPLE) == 0)


def _blocks(source: int, target: int) -> int:
    """Return the number of blocks of columns: many, because most of a block's weights are zeros."""
    common = math.gcd(source, target)
    several = (n for n in range(common, 0, -1) if common % n == 0)
    return next((n for n in several if target // n >= _FEWEST_COLUMNS_IN_BLOCK), 1)


def _dense(
    source: int, target: int, padded: int, channels: int, kept: Sequence[int]
) -> tuple[Weights, NDArray[np.float32]]:
    """Return the weights of a block of columns, `(padded, source values, 1, 1)`, and their scale.

    Of two neighbouring weights at most one is not 0, because colours do not mix.
    """
    pixels, total = weights(source, target)
    values = np.zeros((padded, source, channels), np.int8)
    for place, channel in enumerate(kept):
        values[place : len(kept) * target : len(kept), :, channel] = pixels
    scale = np.array(1 / total, np.float32)
    return values.reshape(padded, channels * source, 1, 1), scale


def _convolution(
    source: str,
    weight: str,
    scale: str,
    output: str,
    taps: int = 1,
    step: int = 1,
    channels: int = 1,
) -> bytes:
    """Return a convolution of bytes down the rows, channels last, a node of ONNX Runtime's own."""
    return node(
        "QLinearConv",
        [source, "one", "zero", weight, scale, "zero weight", "one", "zero"],
        output,
        domain="com.microsoft",
        attributes={
            "channels_last": 1,
            "kernel_shape": (taps, 1),
            "strides": (step, 1),
            "group": channels,
        },
    )
