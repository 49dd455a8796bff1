"""Int8 from a float graph: what is quantized, with which ranges, rounded how; then the fast form."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.layers import RoundingOptions
from edgefeat_export.quant.plan import Plan, make_plan
from edgefeat_export.quant.ranges import best_range
from edgefeat_export.quant.scheme import Affine
from edgefeat_export.quant.sequence import quantize_in_sequence
from edgefeat_export.quant.statistics import observe
from edgefeat_export.quant.surgery import faster
from edgefeat_export.quant.writer import write_integers

__all__ = ["quantize"]


def quantize(
    model: onnx.ModelProto, images: NDArray[np.uint8], *, options: RoundingOptions | None = None
) -> onnx.ModelProto:
    """Return the graph with int8 weights and uint8 activations.

    Args:
        model: A clean float graph with uint8 input.
        images: Calibration pictures, uint8 `(N, height, width, channels)`.
        options: How to round.
    """
    graph = Graph(model)
    plan = make_plan(graph)
    affines = _affines(model, plan, images)
    quantized = quantize_in_sequence(graph, plan, affines, images, options or RoundingOptions())
    write_integers(graph, plan, quantized)
    return faster(write(graph))


def _affines(model: onnx.ModelProto, plan: Plan, images: NDArray[np.uint8]) -> dict[str, Affine]:
    entering = set() if plan.image is None else {s.output for s in plan.image.steps}
    own = {
        step.output: step
        for step in plan.steps
        if step.output in plan.quantized - entering and step.output not in plan.shared
    }
    histograms = observe(model, list(own), images)
    affines = {
        name: best_range(histograms[name], floor=step.floor, ceiling=step.ceiling)
        for name, step in own.items()
    }
    if plan.image is not None:
        affines[plan.image.tensor] = plan.image.affine
    return affines | {name: affines[source] for name, source in plan.shared.items()}
