"""Quantizes a graph layer by layer, each on what its quantized predecessors really deliver.

Both networks, float and quantized, walk forward together over the same pictures; a tensor is held
only until its last reader is done. Every weighted layer is fitted, rounded and given the bias
that puts each output channel's mean where the float network has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.executor import Operator
from edgefeat_export.quant.layers import LayerRounder, RoundingOptions
from edgefeat_export.quant.plan import Plan
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.steps import Step

__all__ = ["Quantized", "quantize_in_sequence"]

_CHUNK = 8
_HALF_MAX = 6e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """Attributes:
    affines: What the bytes of each quantized tensor mean.
    layers: The integers of each weighted step, by its output.
    errors: Relative squared error of each quantized step's output, by its output.
    """

    affines: Mapping[str, Affine]
    layers: Mapping[str, IntegerLayer]
    errors: Mapping[str, float]


@dataclass(slots=True)
class _Pair:
    """One tensor in both networks, over all pictures."""

    wanted: list[NDArray[Any]] = field(default_factory=list)
    delivered: list[NDArray[Any]] = field(default_factory=list)
    affine: Affine | None = None

    def chunk(self, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return some pictures' numbers in the float network and in the quantized one."""
        wanted, delivered = self.wanted[index], self.delivered[index]
        if wanted.dtype == np.float16:
            wanted = wanted.astype(np.float32)
        return wanted, delivered if self.affine is None else self.affine.dequantize(delivered)

    def append(self, wanted: NDArray[Any], delivered: NDArray[Any]) -> None:
        """Store some pictures' numbers, the float network's in half precision where they fit."""
        half = wanted.dtype == np.float32 and np.abs(wanted).max(initial=0) < _HALF_MAX
        self.wanted.append(wanted.astype(np.float16) if half else wanted)
        self.delivered.append(delivered if self.affine is None else self.affine.quantize(delivered))


class _Walk:
    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        affines: Mapping[str, Affine],
        images: NDArray[np.uint8],
        options: RoundingOptions,
    ) -> None:
        self._graph, self._plan, self._affines, self._options = graph, plan, affines, options
        self._chunks = [images[i : i + _CHUNK] for i in range(0, len(images), _CHUNK)]
        self._tensors: dict[str, _Pair] = {}
        self._readers = Counter(
            name for step in plan.steps for name in dict.fromkeys(step.node.inputs)
        )
        self._rounder = LayerRounder(graph, options)
        self.layers: dict[str, IntegerLayer] = {}
        self.errors: dict[str, float] = {}

    def start(self) -> list[Step]:
        """Feed the pictures; return the steps that remain."""
        image = self._plan.image
        (info,) = self._graph.inputs
        if image is None:
            self._tensors[info.name] = _Pair(list(self._chunks), list(self._chunks))
            return list(self._plan.steps)
        pair = _Pair(affine=image.affine)
        operators = [Operator(self._graph, step.node) for step in image.steps]
        for chunk in self._chunks:
            x: NDArray[Any] = chunk
            for operator in operators:
                x = operator.run([x])
            pair.wanted.append(x)
            pair.delivered.append(np.ascontiguousarray(chunk.transpose(0, 3, 1, 2)))
        self._tensors[image.tensor] = pair
        return [step for step in self._plan.steps if step not in image.steps]

    def take(self, step: Step) -> None:
        """Run one step in both networks."""
        graph = self._graph
        float_op = Operator(graph, step.node)
        delivered_op = float_op
        if step.weighted and step.output in self._plan.integer:
            delivered_op = self._round(step, float_op)
        result = _Pair(affine=self._affines.get(step.output))
        error = power = 0.0
        for wanted, delivered in self._inputs(float_op.inputs):
            out = self._activate(step, float_op.run(wanted))
            got = self._activate(step, delivered_op.run(delivered))
            result.append(out, got)
            power += float(np.square(out, dtype=np.float64).sum())
            error += float(np.square(result.chunk(len(result.wanted) - 1)[1] - out).sum())
        if step.output in self._plan.quantized:
            self.errors[step.output] = error / power if power else 0.0
        self._tensors[step.output] = result
        self._release(step)

    def _round(self, step: Step, float_op: Operator) -> Operator:
        source = step.node.inputs[0]
        pair = self._tensors[source]
        layer, bias = self._rounder.round(
            step, self._affines[source], lambda: self._pairs(pair), float_op
        )
        self.layers[step.output] = layer
        return self._rounder.operator(step, layer, bias)

    def _pairs(self, pair: _Pair) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        return (pair.chunk(index) for index in range(len(self._chunks)))

    def _inputs(
        self, names: list[str]
    ) -> Iterator[tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]]:
        for index in range(len(self._chunks)):
            both = [self._tensors[name].chunk(index) for name in names]
            yield [one[0] for one in both], [one[1] for one in both]

    def _activate(self, step: Step, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return x if step.activation is None else np.clip(x, step.floor, step.ceiling)

    def _release(self, step: Step) -> None:
        for name in dict.fromkeys(step.node.inputs):
            self._readers[name] -= 1
            if not self._readers[name]:
                self._tensors.pop(name, None)
        if not self._readers[step.output]:
            self._tensors.pop(step.output)


def quantize_in_sequence(
    graph: Graph,
    plan: Plan,
    affines: Mapping[str, Affine],
    images: NDArray[np.uint8],
    options: RoundingOptions,
    *,
    advance: Callable[[], None] = lambda: None,
) -> Quantized:
    """Round every integer layer of the plan.

    Args:
        graph: The float graph.
        plan: What becomes integer.
        affines: Parameters of every quantized tensor.
        images: uint8 `(N, height, width, channels)`; memory grows with their number.
        options: How to round.
        advance: Called after each step.
    """
    walk = _Walk(graph, plan, affines, images, options)
    for step in walk.start():
        walk.take(step)
        advance()
    return Quantized(affines=affines, layers=walk.layers, errors=walk.errors)
