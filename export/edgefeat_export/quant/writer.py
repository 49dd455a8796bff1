"""Writes a quantized graph as QuantizeLinear and DequantizeLinear pairs, the portable form."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.cleanup import drop_dead
from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant.plan import ImageInput, Plan
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.sequence import Quantized
from edgefeat_export.quant.steps import Step

__all__ = ["write_integers"]


def write_integers(graph: Graph, plan: Plan, quantized: Quantized) -> None:
    """Change the float graph into its quantized form."""
    sources = {step.output: quantized.affines.get(step.node.inputs[0]) for step in plan.steps}
    if plan.image is not None:
        _enter(graph, plan.image)
    for step in plan.steps:
        layer = quantized.layers.get(step.output)
        source = sources[step.output]
        if layer is not None and source is not None:
            _write_layer(graph, step, layer, source)
    for step in plan.steps:
        if step.activation is not None and step.output in plan.quantized:
            graph.redirect(step.output, step.node.out)  # the range of its bytes does the clipping
    for step in plan.steps:
        affine = quantized.affines.get(step.output)
        inside = plan.image is not None and step in plan.image.steps
        if affine is not None and not inside:
            absorbed = step.activation is not None and step.output in plan.quantized
            _store(graph, step.node.out if absorbed else step.output, affine)
    drop_dead(graph)


def _enter(graph: Graph, image: ImageInput) -> None:
    (info,) = graph.inputs
    first = graph.add("Transpose", [info.name], perm=[0, 3, 1, 2])
    graph.redirect(image.tensor, _dequantized(graph, first.out, image.affine))


def _write_layer(graph: Graph, step: Step, layer: IntegerLayer, source: Affine) -> None:
    node = step.node
    zeros = np.zeros(layer.scale.size, np.int8)
    weight = graph.add(
        "DequantizeLinear",
        [graph.constant(layer.weight), graph.constant(layer.scale), graph.constant(zeros)],
        axis=layer.axis,
    )
    unit = layer.scale * np.float32(source.scale)
    bias = graph.add(
        "DequantizeLinear",
        [graph.constant(layer.bias), graph.constant(unit), graph.constant(zeros.astype(np.int32))],
        axis=0,
    )
    graph.rewire(node, [node.inputs[0], weight.out, bias.out])


def _store(graph: Graph, tensor: str, affine: Affine) -> None:
    quantize = graph.add("QuantizeLinear", [tensor, *_parameters(graph, affine)])
    real = _dequantized(graph, quantize.out, affine)
    graph.redirect(tensor, real)
    graph.rewire(quantize, [tensor, *quantize.inputs[1:]])


def _dequantized(graph: Graph, levels: str, affine: Affine) -> str:
    return graph.add("DequantizeLinear", [levels, *_parameters(graph, affine)]).out


def _parameters(graph: Graph, affine: Affine) -> list[str]:
    return [
        graph.constant(np.array(affine.scale, np.float32)),
        graph.constant(np.array(affine.zero_point, np.uint8)),
    ]
