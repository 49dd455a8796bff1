"""Makes an int8 graph from a float one, step by step.

The plan says what becomes integer. Pictures give the range of each tensor. Then every layer is
rounded in turn, and the integers are written into the graph. Last, the graph is rewritten for the
integer kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat.messages.progress import Progress
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.layers import RoundingOptions
from edgefeat_export.quant.plan import Plan, make_plan, pictures_at_once
from edgefeat_export.quant.products import with_products
from edgefeat_export.quant.ranges import best_range
from edgefeat_export.quant.scheme import Affine
from edgefeat_export.quant.sequence import quantize_in_sequence
from edgefeat_export.quant.shares import IntegerShare, shares_of
from edgefeat_export.quant.statistics import observe
from edgefeat_export.quant.steps import give_biases
from edgefeat_export.quant.sums import agreeing_sums
from edgefeat_export.quant.surgery import faster
from edgefeat_export.quant.targets import DEFAULT_TARGET, TARGETS, Target
from edgefeat_export.quant.writer import write_integers

__all__ = ["QuantizedModel", "quantize", "quantize_model", "ranges_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedModel:
    """A quantized graph and what it cost.

    Attributes:
        model: The graph.
        target: The class of devices it is for.
        errors: Each quantized tensor's error power over its signal power, by name, in order.
        kept_float: Names of the weighted layers that stayed in float.
        integer: How much of the network is integer.
    """

    model: onnx.ModelProto
    target: Target
    errors: Mapping[str, float]
    kept_float: tuple[str, ...]
    integer: IntegerShare


def quantize(model: onnx.ModelProto, images: NDArray[np.uint8]) -> onnx.ModelProto:
    """Return the graph with int8 weights and uint8 activations, for the default target.

    Args:
        model: A clean float graph with uint8 input.
        images: Calibration pictures, uint8 `(N, height, width, channels)`.
    """
    return quantize_model(model, images).model


def quantize_model(
    model: onnx.ModelProto,
    images: NDArray[np.uint8],
    *,
    target: Target = TARGETS[DEFAULT_TARGET],
    keep_float: Collection[str] = (),
) -> QuantizedModel:
    """Quantize a graph and say what each layer lost.

    Args:
        model: A clean float graph with uint8 input.
        images: Calibration pictures, uint8 `(N, height, width, channels)`, any number.
        target: The class of devices.
        keep_float: Layers, by their names in `QuantizedModel.errors`, to leave in float.
    """
    graph = Graph(with_products(model))
    give_biases(graph)
    plan = make_plan(graph, keep_float)
    walked = images[_spread(len(images), pictures_at_once(graph, plan))]
    with Progress(len(images) + len(plan.steps), "quantizing") as bar:
        affines = agreeing_sums(plan, ranges_of(graph, plan, images, advance=bar.advance))
        options = RoundingOptions(weight_limit=target.weight_limit, pair_limit=target.pair_limit)
        quantized = quantize_in_sequence(graph, plan, affines, walked, options, advance=bar.advance)
    kept = [step.output for step in plan.steps if step.weighted and step.output in keep_float]
    integer = shares_of(graph, plan, quantized.layers)
    write_integers(graph, plan, quantized)
    return QuantizedModel(
        model=faster(write(graph)),
        target=target,
        errors=quantized.errors,
        kept_float=tuple(kept),
        integer=integer,
    )


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return the indices of at most so many pictures, evenly spread."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def ranges_of(
    graph: Graph,
    plan: Plan,
    images: NDArray[np.uint8],
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Affine]:
    """Return what the bytes of each tensor that the plan quantizes shall mean.

    Args:
        graph: The float graph of the plan.
        plan: What becomes integer.
        images: Calibration pictures, uint8 `(N, height, width, channels)`.
        advance: Called after each picture.
    """
    entering = {step.output for step in plan.image.steps} if plan.image else set()
    own = {
        step.output: step
        for step in plan.steps
        if step.output in plan.quantized - entering and step.output not in plan.shared
    }
    histograms = observe(graph, plan.steps, own, images, advance=advance)
    affines = {
        name: best_range(histograms[name], floor=step.floor, ceiling=step.ceiling)
        for name, step in own.items()
    }
    if plan.image is not None:
        affines[plan.image.tensor] = plan.image.affine
    return affines | {name: affines[source] for name, source in plan.shared.items()}
