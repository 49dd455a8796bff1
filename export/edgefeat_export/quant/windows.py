"""How a weighted operator reads its input: as windows, each of them one row of `taps` numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["Windows"]

_SMALL_TAPS = 32  # a window of so many taps or fewer has a small covariance
_FEW_PLACES, _MANY_PLACES = 64, 512  # windows of a picture that are sampled: small and large ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Where the windows of a Conv, Gemm, MatMul or pooling lie.

    Attributes:
        groups: How many groups of channels there are; each has weights of its own.
        kernel: Rows and columns of a window.
        strides: Pixels from one window to the next, down and across.
        dilations: Pixels from one tap of a window to the next, down and across.
        pads: Rows and columns of zeros around the input: top, left, bottom, right.
        flat: Whether the operator is a Gemm or a MatMul: the last axis of its input is the window.
    """

    groups: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]
    flat: bool

    @classmethod
    def of(cls, graph: Graph, node: Node) -> Windows:
        """Return the windows of a weighted operator."""
        if node.op != "Conv":
            return cls._of({}, (1, 1), flat=True)
        height, width = graph.constants[node.inputs[1]].shape[2:]
        return cls._of(node.attrs, (height, width))

    @classmethod
    def of_pool(cls, attrs: Mapping[str, Any]) -> Windows:
        """Return the windows of a pooling operator with these attributes."""
        height, width = attrs["kernel_shape"]
        return cls._of(attrs, (height, width))

    @classmethod
    def _of(
        cls, attrs: Mapping[str, Any], kernel: tuple[int, int], *, flat: bool = False
    ) -> Windows:
        return cls(
            groups=attrs.get("group", 1),
            kernel=kernel,
            strides=tuple(attrs.get("strides", (1, 1))),
            dilations=tuple(attrs.get("dilations", (1, 1))),
            pads=tuple(attrs.get("pads", (0, 0, 0, 0))),
            flat=flat,
        )

    def grouped(self, weight: Array, axis: int) -> NDArray[np.float64]:
        """Return a weight as float64 `(groups, out, taps)`, taps in the order of `sample`.

        Args:
            weight: The weight as the operator has it, of any type.
            axis: The axis of the output channels.
        """
        last = np.moveaxis(np.moveaxis(weight, axis, 0), 1, -1)
        return last.reshape(self.groups, last.shape[0] // self.groups, -1).astype(np.float64)

    def sums(self, weight: Array, x: Array) -> Array:
        """Return what the operator computes, without its bias.

        The matrix product adds in an order of its own: for the same bits on every CPU, no sum may
        need rounding.

        Args:
            weight: float32 or float64 `(groups, out, taps)`.
            x: `(images, channels, height, width)`, or `(..., channels)` when flat; of the weight's
                type.
        """
        if self.flat:
            return np.asarray(x @ weight[0].T)
        groups, outputs, _ = weight.shape
        sides = self._counts(self._padded_sides(x))
        totals = np.empty((len(x), groups, outputs, *sides), x.dtype)
        product = np.empty_like(totals[0])
        for image, total in zip(x, totals, strict=True):  # one by one: they stay in the CPU's cache
            self._add_taps(weight, image, total, product)
        return totals.reshape(len(x), groups * outputs, *sides)

    def _add_taps(self, weight: Array, image: Array, total: Array, product: Array) -> None:
        """Fill in the sums of one picture; `product` is a place to work in."""
        groups, outputs, taps = weight.shape
        channels = taps // prod(self.kernel)
        for tap, part in enumerate(self.taps(image[np.newaxis])):
            factor = weight[:, :, tap * channels : (tap + 1) * channels]
            into = product if tap else total
            if channels == 1:
                np.multiply(part.swapaxes(0, 1), factor[..., np.newaxis], out=into)
            else:
                numbers = part.reshape(groups, channels, -1)
                np.matmul(factor, numbers, out=into.reshape(groups, outputs, -1))
            if tap:
                np.add(total, product, out=total)

    def totals(self, x: Array) -> tuple[NDArray[np.float64], int]:
        """Return the sum of all windows, float64 `(groups, taps)`, and how many there are.

        Args:
            x: `(images, channels, height, width)`, or `(..., channels)` when flat; of any type.
        """
        if self.flat:
            rows = x.reshape(-1, x.shape[-1])
            return rows.sum(0, dtype=np.float64)[np.newaxis], len(rows)
        each = [part.sum((0, 2, 3), dtype=np.float64) for part in self.taps(x)]
        grouped = np.stack(each).reshape(len(each), self.groups, -1)
        count = len(x) * prod(self._counts(self._padded_sides(x)))
        return grouped.swapaxes(0, 1).reshape(self.groups, -1), count

    def sample(self, x: Array, at: NDArray[np.float64]) -> Array:
        """Return windows at relative positions: `(groups, images * positions, taps)`.

        Taps go through a window pixel by pixel, and through a pixel channel by channel.

        Args:
            x: `(images, channels, height, width)`, or `(..., channels)` when flat; of any type.
            at: float64 `(positions, 2)`, from 0 to 1 down and across the output.
        """
        if self.flat:
            return x.reshape(1, -1, x.shape[-1])
        padded = self._padded(np.ascontiguousarray(x.transpose(0, 2, 3, 1)), first=1)
        counts = self._counts(padded.shape[1:3])
        rows, columns = (
            (at[:, axis] * counts[axis]).astype(np.int64)[:, None] * self.strides[axis]
            + np.arange(self.kernel[axis]) * self.dilations[axis]
            for axis in (0, 1)
        )
        windows = padded[:, rows[:, :, None], columns[:, None, :]]  # n p kh kw c
        images, positions, *_, channels = windows.shape
        grouped = windows.reshape(
            images * positions, prod(self.kernel), self.groups, channels // self.groups
        )
        ordered = np.ascontiguousarray(grouped.transpose(2, 0, 1, 3))
        return ordered.reshape(self.groups, images * positions, -1)

    def places(self, x: Array, rng: np.random.Generator) -> NDArray[np.float64]:
        """Choose where to sample a picture; a large covariance needs more windows than a small one.

        Args:
            x: `(images, channels, height, width)`, or `(..., channels)` when flat.
            rng: Chooses the places if there are too many to take all.

        Returns:
            float64 `(positions, 2)`, from 0 to 1 down and across the output.
        """
        if self.flat:
            return np.zeros((1, 2))
        height, width = self._counts(self._padded_sides(x))
        taps = prod(self.kernel) * x.shape[1] // self.groups
        wanted = _FEW_PLACES if taps <= _SMALL_TAPS else _MANY_PLACES
        if height * width <= wanted:
            grid = np.indices((height, width)).reshape(2, -1).T + 0.5
            return grid / (height, width)
        return rng.random((wanted, 2))

    def taps(self, x: Array) -> Iterator[Array]:
        """Yield what lies under each tap, for all windows: `(images, channels, height, width)`.

        Args:
            x: `(images, channels, height, width)`, of any type.
        """
        padded = self._padded(x, first=2)
        counts = self._counts(padded.shape[2:])
        for place in np.ndindex(*self.kernel):
            rows, columns = (
                slice(start, start + (count - 1) * stride + 1, stride)
                for start, count, stride in zip(
                    np.multiply(place, self.dilations), counts, self.strides, strict=True
                )
            )
            yield padded[:, :, rows, columns]

    def _padded(self, x: Array, *, first: int) -> Array:
        """Put the zeros around an input whose rows are the axis `first`."""
        if not any(self.pads):
            return x
        top, left, bottom, right = self.pads
        widths = [(0, 0)] * x.ndim
        widths[first : first + 2] = (top, bottom), (left, right)
        return np.pad(x, widths)

    def _padded_sides(self, x: Array) -> tuple[int, int]:
        top, left, bottom, right = self.pads
        return x.shape[2] + top + bottom, x.shape[3] + left + right

    def _counts(self, sides: tuple[int, ...]) -> tuple[int, int]:
        """Return how many windows lie below each other and side by side."""
        height, width = (
            (side - (kernel - 1) * dilation - 1) // stride + 1
            for side, kernel, dilation, stride in zip(
                sides, self.kernel, self.dilations, self.strides, strict=True
            )
        )
        return height, width
