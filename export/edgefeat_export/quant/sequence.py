"""Quantizes a graph layer by layer, each with the inputs that the layers before really deliver.

The float network and the quantized one run together over the same pictures, step by step. A tensor
is kept only until its last reader is done. Every weighted layer is fitted and rounded. Then it gets
the bias that gives each output channel the mean that it has in the float network.

Every number here is the same on every CPU: those of the float network by `operators`, those of the
quantized one by `kernel`. One weight rounded another way would move all later layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.kernel import IntegerKernel
from edgefeat_export.quant.layers import LayerRounder, RoundingOptions
from edgefeat_export.quant.operators import Operator, held
from edgefeat_export.quant.plan import Plan
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.steps import Step
from edgefeat_export.quant.windows import Windows

__all__ = ["Quantized", "quantize_in_sequence"]

_PICTURES_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """What the walk found for each tensor and each layer.

    Attributes:
        affines: What the bytes of each quantized tensor mean, by its name.
        layers: The integers of each weighted step, by the name of its output.
        errors: Each quantized step's error power over its signal power, by the name of its output.
    """

    affines: Mapping[str, Affine]
    layers: Mapping[str, IntegerLayer]
    errors: Mapping[str, float]


@dataclass(slots=True)
class _Pair:
    """One tensor in both networks, over all pictures.

    Attributes:
        wanted: The float network's numbers, some pictures after the other.
        delivered: The quantized network's numbers for the same pictures: bytes, or real numbers.
        affine: What these bytes mean; None if they are real numbers.
    """

    wanted: list[Array] = field(default_factory=list)
    delivered: list[Array] = field(default_factory=list)
    affine: Affine | None = None

    def real(self, index: int) -> Array:
        """Return some pictures' numbers in the quantized network."""
        delivered = self.delivered[index]
        return delivered if self.affine is None else self.affine.dequantize(delivered)

    def pairs(self) -> Iterator[tuple[Array, Array]]:
        """Yield the float network's numbers with the levels delivered, zero point at 0."""
        zero_point = np.float32(0 if self.affine is None else self.affine.zero_point)
        for wanted, delivered in zip(self.wanted, self.delivered, strict=True):
            yield wanted.astype(np.float32), delivered.astype(np.float32) - zero_point

    def append(self, wanted: Array, delivered: Array) -> None:
        """Store some pictures' numbers.

        Args:
            wanted: The float network's.
            delivered: The quantized network's: bytes, or real numbers still to be rounded to them.
        """
        self.wanted.append(held(wanted))
        if self.affine is not None and delivered.dtype != np.uint8:
            delivered = self.affine.quantize(delivered)
        elif delivered.dtype == np.float64:
            delivered = delivered.astype(np.float32)
        self.delivered.append(delivered)


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
        self._chunks = [
            images[i : i + _PICTURES_AT_ONCE] for i in range(0, len(images), _PICTURES_AT_ONCE)
        ]
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
            x: Array = chunk
            for operator in operators:
                x = operator.run([x])
            pair.wanted.append(x.astype(np.float32))
            pair.delivered.append(np.ascontiguousarray(chunk.transpose(0, 3, 1, 2)))
        self._tensors[image.tensor] = pair
        return [step for step in self._plan.steps if step not in image.steps]

    def take(self, step: Step) -> None:
        """Run one step in both networks."""
        result = _Pair(affine=self._affines.get(step.output))
        operator = Operator(self._graph, step.node)
        deliver = self._quantized(step, operator, result.affine)
        error = power = 0.0
        for index in range(len(self._chunks)):
            inputs = [self._tensors[name].wanted[index] for name in operator.inputs]
            wanted = step.activated(operator.run(inputs))
            result.append(wanted, deliver(index))
            power += _power(wanted)
            error += _power(result.real(index) - wanted)
        if step.output in self._plan.quantized:
            self.errors[step.output] = error / power if power else 0.0
        self._tensors[step.output] = result
        self._release(step)

    def _quantized(
        self, step: Step, operator: Operator, result: Affine | None
    ) -> Callable[[int], Array]:
        """Return what gives the quantized network's output for some pictures."""
        inputs = [self._tensors[name] for name in operator.inputs]
        if step.weighted and step.output in self._plan.integer:
            (source,) = inputs
            meaning = self._affines[step.node.inputs[0]]
            layer = self._rounder.round(step, meaning, source.pairs)
            self.layers[step.output] = layer
            kernel = IntegerKernel(Windows.of(self._graph, step.node), layer, meaning, result)
            if result is None:
                return lambda index: step.activated(kernel.run(source.delivered[index]))
            return lambda index: kernel.run(source.delivered[index])
        return lambda index: step.activated(operator.run([pair.real(index) for pair in inputs]))

    def _release(self, step: Step) -> None:
        for name in dict.fromkeys(step.node.inputs):
            self._readers[name] -= 1
            if not self._readers[name]:
                self._tensors.pop(name, None)
        if not self._readers[step.output]:
            self._tensors.pop(step.output)


def _power(x: Array) -> float:
    """Return the sum of squares; its last digits, where CPUs may differ, tell no layers apart."""
    return float(np.square(x, dtype=np.float64).sum())


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
