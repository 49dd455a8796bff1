"""Rounds one weighted layer and corrects its bias, from streamed pairs of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Floats
from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant import exact
from edgefeat_export.quant.limits import WeightLimits, neighbours
from edgefeat_export.quant.moments import Moments
from edgefeat_export.quant.rounding import fit, round_weights
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.steps import Step
from edgefeat_export.quant.windows import Windows

__all__ = ["LayerRounder", "RoundingOptions"]

Pairs = Callable[[], Iterator[tuple[NDArray[Any], NDArray[Any]]]]
_MOST_TAPS = 1152  # in one system
_SAMPLES_PER_TAP = 4  # with fewer, a covariance is too uncertain to be trusted in full
_TOTAL_BITS = 30  # 8 million windows add exactly
_BIAS_LIMIT = 2.0**30  # half of int32: products are added to the bias


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingOptions:
    """How weights are rounded.

    Attributes:
        weight_limit: Largest magnitude of a weight.
        pair_limit: Largest magnitude of the sum of two neighbouring weights of one sign: 128 where
            pairs of products saturate, or twice 127.
        ridge: How much a fitted layer stays at its float weights, relative to its inputs' variance.
        damp: Diagonal added before rounding, relative to the inputs' mean variance.
        seed: Chooses the windows that are sampled; equal seeds give equal weights.
    """

    weight_limit: int = 127
    pair_limit: int = 254
    ridge: float = 2.0
    damp: float = 0.01
    seed: int = 1


class LayerRounder:
    """Rounds the weighted steps of one graph."""

    def __init__(self, graph: Graph, options: RoundingOptions) -> None:
        self._graph, self._options = graph, options
        self._rng = np.random.default_rng(options.seed)

    def round(self, step: Step, source: Affine, pairs: Pairs) -> IntegerLayer:
        """Return the layer's integers.

        Args:
            step: The weighted step.
            source: What the bytes of its input mean.
            pairs: Some pictures' inputs after the other, in the float network and in the quantized
                one; there as whole numbers with the zero point at 0.
        """
        node, options = step.node, self._options
        weight, bias = (self._graph.constants[name] for name in node.inputs[1:3])
        axis = _out_axis(node.op, node.attrs)
        windows = Windows.of(self._graph, node)
        whole = windows.grouped(weight, axis)
        parts = _parts(whole)
        grouped = _split(whole, parts)
        moments, wanted, delivered = self._seen(windows, parts, source, pairs)
        covariance, crossed = moments.covariances()
        caution = max(1.0, _SAMPLES_PER_TAP * grouped.shape[2] / moments.count)
        fitted = fit(grouped, covariance, crossed, ridge=options.ridge * caution)
        limits = self._limits(windows, grouped.shape[1:], parts)
        scale = limits.scale(fitted, np.diagonal(covariance, axis1=1, axis2=2))
        scale = scale.reshape(-1, parts, scale.shape[1]).max(1)
        scale = np.maximum(scale, _smallest_scale(bias, source)).astype(np.float32)
        rounded = round_weights(
            fitted,
            scale.astype(np.float64).repeat(parts, 0),
            covariance,
            limits=limits,
            damp=options.damp * caution,
        )
        levels = _joined(rounded, parts)
        real = levels * scale.astype(np.float64)[:, :, None]
        shift = _output(whole, wanted) - _output(real, delivered)
        unit = scale.reshape(-1).astype(np.float64) * source.scale
        correction = np.rint((shift.reshape(-1) + bias) / unit)
        return IntegerLayer(
            weight=_ungrouped(levels, weight.shape, axis),
            scale=scale.reshape(-1),
            bias=np.clip(correction, -_BIAS_LIMIT, _BIAS_LIMIT).astype(np.int32),
            axis=axis,
        )

    def _seen(
        self, windows: Windows, parts: int, source: Affine, pairs: Pairs
    ) -> tuple[Moments, Floats, Floats]:
        """Return the moments of sampled windows, and the mean of all windows in both networks."""
        moments, sums, count = Moments(source.scale), [np.zeros(1), np.zeros(1)], 0
        for wanted, levels in pairs():
            at = windows.places(wanted, self._rng)
            moments.add(*(_split(windows.sample(x, at), parts) for x in (wanted, levels)))
            totals = [windows.totals(x) for x in (exact.on_grid(wanted, _TOTAL_BITS), levels)]
            sums = [a + total for a, (total, _) in zip(sums, totals, strict=True)]
            count += totals[0][1]
        return moments, sums[0] / count, sums[1] / count * source.scale

    def _limits(self, windows: Windows, shape: tuple[int, ...], parts: int) -> WeightLimits:
        """Return what the integers of a layer of `(out, taps)` may be."""
        outputs, taps = shape
        alone, pair = self._options.weight_limit, self._options.pair_limit
        channels = taps * parts // (windows.kernel[0] * windows.kernel[1])
        depthwise = windows.groups > 1 and channels == outputs == 1  # kernels take no pairs there
        links = neighbours(taps, channels)
        if depthwise or pair >= 2 * alone:
            links = links[:, :0]
        elif parts > 1 and channels % 2:  # neighbours lie in different parts
            alone, links = pair // 2, links[:, :0]
        return WeightLimits(alone=alone, pair=pair, links=links)


def _smallest_scale(bias: NDArray[np.float32], source: Affine) -> float:
    """Return the scale below which int32 could not hold the bias."""
    return max(float(np.abs(bias).max()) / source.scale / _BIAS_LIMIT, 1e-12)


def _parts(grouped: NDArray[np.float64]) -> int:
    """Return into how many parts taps are split: time grows with the third power of a part.

    Two taps beside each other stay together, if their number is even.
    """
    taps = grouped.shape[2]
    step = 1 if taps % 2 else 2
    return next(n for n in range(1, taps + 1) if taps % (n * step) == 0 and taps // n <= _MOST_TAPS)


def _split(array: NDArray[Any], parts: int) -> NDArray[Any]:
    """Return `(groups, n, taps)` as `(groups * parts, n, taps / parts)`."""
    if parts == 1:
        return array
    groups, count, taps = array.shape
    apart = array.reshape(groups, count, parts, taps // parts).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(groups * parts, count, taps // parts)


def _joined(array: NDArray[np.int8], parts: int) -> NDArray[np.int8]:
    """Return what `_split` was given."""
    groups, count, taps = array.shape
    apart = array.reshape(groups // parts, parts, count, taps).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(groups // parts, count, parts * taps)


def _out_axis(op: str, attrs: dict[str, int]) -> int:
    if op == "Conv":
        return 0
    return 0 if op == "Gemm" and attrs.get("transB") else 1


def _output(weight: Floats, window: Floats) -> Floats:
    """Return what weights `(groups, out, taps)` make of a window `(groups, taps)`."""
    return exact.sum_in_order(weight * window[:, None], 2)


def _ungrouped(levels: NDArray[np.int8], shape: tuple[int, ...], axis: int) -> NDArray[np.int8]:
    out, channels, *window = (shape[axis], *(side for i, side in enumerate(shape) if i != axis))
    first = np.moveaxis(levels.reshape(out, *window, channels), -1, 1)
    return np.ascontiguousarray(np.moveaxis(first, 0, axis))
