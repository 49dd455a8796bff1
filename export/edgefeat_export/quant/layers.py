"""Rounds one weighted layer and corrects its bias, from streamed pairs of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.executor import Operator
from edgefeat_export.quant.limits import WeightLimits, neighbours
from edgefeat_export.quant.moments import Moments, Patches
from edgefeat_export.quant.rounding import fit, round_weights
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.steps import Step

__all__ = ["LayerRounder", "RoundingOptions"]

Floats = NDArray[np.float32]
Pairs = Callable[[], Iterator[tuple[Floats, Floats]]]
_MOST_TAPS = 1152  # in one system
_SAMPLES_PER_TAP = 4  # with fewer a covariance is too uncertain to follow far
_BIAS_LIMIT = 2.0**30  # leaves the accumulator room for the products


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingOptions:
    """How weights are rounded.

    Attributes:
        pair_limit: Largest magnitude of the sum of two neighbouring weights of one sign: 128 where
            pairs of products saturate, or twice 127.
        ridge: How much a fitted layer stays at its float weights, relative to its inputs' variance.
        damp: Diagonal added before rounding, relative to the inputs' mean variance.
    """

    weight_limit: int = 127
    pair_limit: int = 254
    ridge: float = 2.0
    damp: float = 0.01
    seed: int = 0


class LayerRounder:
    """Rounds the weighted steps of one graph."""

    def __init__(self, graph: Graph, options: RoundingOptions) -> None:
        self._graph, self._options = graph, options
        self._rng = np.random.default_rng(options.seed)

    def round(
        self, step: Step, source: Affine, pairs: Pairs, float_op: Operator
    ) -> tuple[IntegerLayer, Floats]:
        """Return the layer's integers and the bias they stand for."""
        node, options = step.node, self._options
        weight = self._graph.constants[node.inputs[1]]
        axis = _out_axis(node.op, node.attrs)
        patches = Patches.of(self._graph, node)
        grouped = _grouped(weight, axis, patches.groups)
        parts = _parts(grouped)
        grouped = _split(grouped, parts)
        moments = self._moments(patches, parts, pairs)
        delivered, crossed = moments.covariances()
        caution = max(1.0, _SAMPLES_PER_TAP * grouped.shape[2] / moments.count)
        fitted = fit(grouped, delivered, crossed, ridge=options.ridge * caution)
        limits = self._limits(patches, grouped.shape[1:], parts)
        scale = limits.scale(fitted, np.diagonal(delivered, axis1=1, axis2=2))
        scale = scale.reshape(-1, parts, scale.shape[1]).max(1)
        bias = self._graph.constants[node.inputs[2]]
        scale = np.maximum(scale, _smallest_scale(bias, source)).astype(np.float32)
        levels = round_weights(
            fitted,
            scale.astype(np.float64).repeat(parts, 0),
            delivered,
            limits=limits,
            damp=options.damp * caution,
        )
        layer = IntegerLayer(
            weight=_ungrouped(_joined(levels, parts), weight.shape, axis),
            scale=scale.reshape(-1),
            bias=np.zeros(scale.size, np.int32),
            axis=axis,
        )
        return self._corrected(step, layer, source, pairs, float_op)

    def operator(self, step: Step, layer: IntegerLayer, bias: Floats) -> Operator:
        """Return the step's operator as integer kernels compute it."""
        weight_name, bias_name = step.node.inputs[1:]
        replaced = {weight_name: layer.real_weight(), bias_name: bias}
        return Operator(self._graph, step.node, replaced)

    def _corrected(
        self, step: Step, layer: IntegerLayer, source: Affine, pairs: Pairs, float_op: Operator
    ) -> tuple[IntegerLayer, Floats]:
        """Put the mean of every output channel where the float network has it."""
        rough = self.operator(step, layer, np.zeros(layer.bias.size, np.float32))
        axis = 1 if step.node.op == "Conv" else -1
        shift, count = np.zeros(layer.bias.size), 0
        for wanted, delivered in pairs():
            difference = float_op.run([wanted]) - rough.run([delivered])
            channels = np.moveaxis(difference, axis, -1).reshape(-1, layer.bias.size)
            shift += channels.sum(0, dtype=np.float64)
            count += len(channels)
        unit = layer.scale.astype(np.float64) * source.scale
        bias = np.clip(np.rint(shift / count / unit), -_BIAS_LIMIT, _BIAS_LIMIT).astype(np.int32)
        corrected = IntegerLayer(weight=layer.weight, scale=layer.scale, bias=bias, axis=layer.axis)
        return corrected, (bias * unit).astype(np.float32)

    def _limits(self, patches: Patches, shape: tuple[int, ...], parts: int) -> WeightLimits:
        """Return what the integers of a layer of `(out, taps)` may be."""
        outputs, taps = shape
        alone, pair = self._options.weight_limit, self._options.pair_limit
        channels = taps * parts // (patches.kernel[0] * patches.kernel[1])
        depthwise = patches.groups > 1 and channels == outputs == 1  # multiplied one by one
        links = neighbours(taps, channels)
        if depthwise or pair >= 2 * alone:
            links = links[:, :0]
        elif parts > 1 and channels % 2:  # neighbours lie in different parts
            alone, links = pair // 2, links[:, :0]
        return WeightLimits(alone=alone, pair=pair, links=links)

    def _moments(self, patches: Patches, parts: int, pairs: Pairs) -> Moments:
        moments = Moments()
        for wanted, delivered in pairs():
            at = patches.places(wanted, self._rng)
            both = [patches.sample(x, at) for x in (wanted, delivered)]
            moments.add(*(_split(windows, parts) for windows in both))
        return moments


def _smallest_scale(bias: NDArray[np.float32], source: Affine) -> float:
    """A scale below this could not hold the bias in int32."""
    return max(float(np.abs(bias).max()) / source.scale / _BIAS_LIMIT, 1e-12)


def _parts(grouped: NDArray[np.float64]) -> int:
    """Into how many the taps of a large layer are split: systems grow with their third power.

    Two taps beside each other stay together, if their number is even.
    """
    taps = grouped.shape[2]
    step = 1 if taps % 2 else 2
    return next(n for n in range(1, taps + 1) if taps % (n * step) == 0 and taps // n <= _MOST_TAPS)


def _split(array: NDArray[Any], parts: int) -> NDArray[Any]:
    """`(groups, n, taps)` as `(groups * parts, n, taps / parts)`."""
    if parts == 1:
        return array
    groups, count, taps = array.shape
    apart = array.reshape(groups, count, parts, taps // parts).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(groups * parts, count, taps // parts)


def _joined(array: NDArray[np.int8], parts: int) -> NDArray[np.int8]:
    """The reverse of `_split`."""
    groups, count, taps = array.shape
    apart = array.reshape(groups // parts, parts, count, taps).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(groups // parts, count, parts * taps)


def _out_axis(op: str, attrs: dict[str, int]) -> int:
    if op == "Conv":
        return 0
    return 0 if op == "Gemm" and attrs.get("transB") else 1


def _grouped(weight: NDArray[np.float32], axis: int, groups: int) -> NDArray[np.float64]:
    """As `(groups, out, taps)`, taps in the order of `Patches.sample`."""
    first = np.moveaxis(weight, axis, 0)
    last = np.moveaxis(first, 1, -1)
    return last.reshape(groups, last.shape[0] // groups, -1).astype(np.float64)


def _ungrouped(levels: NDArray[np.int8], shape: tuple[int, ...], axis: int) -> NDArray[np.int8]:
    out, channels, *window = (shape[axis], *(side for i, side in enumerate(shape) if i != axis))
    first = np.moveaxis(levels.reshape(out, *window, channels), -1, 1)
    return np.ascontiguousarray(np.moveaxis(first, 0, axis))
