"""Second moments of what a layer's weights see: patches of its input, sampled and streamed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["Moments", "Patches"]

Floats = NDArray[np.float32]
_SMALL, _FEW, _MANY = 32, 64, 512  # taps; windows a picture adds


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """How a weighted operator reads its input: as groups of windows of `taps` numbers."""

    groups: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]
    flat: bool  # a Gemm or MatMul: the last axis is the window

    @classmethod
    def of(cls, graph: Graph, node: Node) -> Patches:
        """Read the operator's attributes."""
        if node.op != "Conv":
            return cls(
                groups=1,
                kernel=(1, 1),
                strides=(1, 1),
                dilations=(1, 1),
                pads=(0, 0, 0, 0),
                flat=True,
            )
        weight = graph.constants[node.inputs[1]]
        get = node.attrs.get
        return cls(
            groups=get("group", 1),
            kernel=tuple(weight.shape[2:]),
            strides=tuple(get("strides", (1, 1))),
            dilations=tuple(get("dilations", (1, 1))),
            pads=tuple(get("pads", (0, 0, 0, 0))),
            flat=False,
        )

    def sample(self, x: Floats, at: NDArray[np.float64]) -> Floats:
        """Return windows at relative positions: float32 `(groups, images * positions, taps)`.

        Taps go through a window pixel by pixel, and through a pixel channel by channel.

        Args:
            x: `(images, channels, height, width)`, or `(..., channels)` when flat.
            at: `(positions, 2)`, from 0 to 1 down and across the output.
        """
        if self.flat:
            return x.reshape(1, -1, x.shape[-1])
        top, left, bottom, right = self.pads
        last = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        padded = np.pad(last, ((0, 0), (top, bottom), (left, right), (0, 0)))
        rows, columns = (
            (at[:, axis] * self._counts(padded.shape)[axis]).astype(np.int64)[:, None]
            * self.strides[axis]
            + np.arange(self.kernel[axis]) * self.dilations[axis]
            for axis in (0, 1)
        )
        windows = padded[:, rows[:, :, None], columns[:, None, :]]  # n p kh kw c
        images, positions, *_, channels = windows.shape
        area = self.kernel[0] * self.kernel[1]
        grouped = windows.reshape(images * positions, area, self.groups, channels // self.groups)
        ordered = np.ascontiguousarray(grouped.transpose(2, 0, 1, 3))
        return ordered.reshape(self.groups, images * positions, -1)

    def places(self, x: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
        """Choose where to sample: few windows give a small covariance, more a large one."""
        if self.flat:
            return np.zeros((1, 2))
        height, width = self._counts((x.shape[0], *_padded(x.shape[2:], self.pads), 1))
        taps = self.kernel[0] * self.kernel[1] * x.shape[1] // self.groups
        wanted = _FEW if taps <= _SMALL else _MANY
        if height * width <= wanted:
            grid = np.indices((height, width)).reshape(2, -1).T + 0.5
            return grid / (height, width)
        return rng.random((wanted, 2))

    def _counts(self, padded: tuple[int, ...]) -> tuple[int, int]:
        height, width = (
            (side - (kernel - 1) * dilation - 1) // stride + 1
            for side, kernel, dilation, stride in zip(
                padded[1:3], self.kernel, self.dilations, self.strides, strict=True
            )
        )
        return height, width


def _padded(sides: tuple[int, ...], pads: tuple[int, int, int, int]) -> tuple[int, int]:
    return sides[0] + pads[0] + pads[2], sides[1] + pads[1] + pads[3]


class Moments:
    """Means and covariances of the float inputs and of those the quantized network delivers."""

    def __init__(self) -> None:
        self.count = 0  # windows
        self._sums: list[NDArray[np.float64]] = []

    def add(self, wanted: Floats, delivered: Floats) -> None:
        """Add windows of both networks at the same places: `(groups, n, taps)` each."""
        parts = [
            wanted.sum(1, dtype=np.float64),
            delivered.sum(1, dtype=np.float64),
            (delivered.swapaxes(1, 2) @ delivered).astype(np.float64),
            (wanted.swapaxes(1, 2) @ delivered).astype(np.float64),
        ]
        self.count += wanted.shape[1]
        self._sums = (
            [a + b for a, b in zip(self._sums, parts, strict=True)] if self._sums else parts
        )

    def covariances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return that of the delivered inputs, and that of the float ones with the delivered."""
        wanted, delivered, square, cross = (part / self.count for part in self._sums)
        return (
            square - delivered[:, :, None] * delivered[:, None, :],
            cross - wanted[:, :, None] * delivered[:, None, :],
        )
