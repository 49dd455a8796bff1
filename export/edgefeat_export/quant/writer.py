"""Writes a quantized graph as QuantizeLinear and DequantizeLinear pairs, the portable form."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.quant.plan import ImageInput, Plan
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.sequence import Quantized
from edgefeat_export.quant.steps import Step

__all__ = ["write_integers"]


def write_integers(graph: Graph, plan: Plan, quantized: Quantized) -> None:
    """Change the float graph into its quantized form.

    Args:
        graph: The float graph, changed in place.
        plan: What becomes integer.
        quantized: The integers, and what they mean.
    """
    sources = {step.output: quantized.affines.get(step.node.inputs[0]) for step in plan.steps}
    if plan.image is not None:
        _enter(graph, plan.image)
    for step in plan.steps:
        layer = quantized.layers.get(step.output)
        source = sources[step.output]
        if layer is not None and source is not None:
            _write_layer(graph, step, layer, source)
    entering = plan.image.steps if plan.image is not None else ()
    for step in plan.steps:
        affine = quantized.affines.get(step.output)
        if affine is None or step in entering:
            continue
        tensor = step.output
        if step.activation is not None:  # the range of its bytes does the clipping
            tensor = step.node.out
            graph.redirect(step.output, tensor)
        if step.weighted and step.output not in plan.integer:
            tensor = _kept_float(graph, tensor, affine)
        _store(graph, tensor, affine)
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


def _kept_float(graph: Graph, tensor: str, affine: Affine) -> str:
    """Keep ONNX Runtime from quantizing this layer after all, with one scale for all weights.

    Its WeightBiasQuantization pass looks for a float layer between bytes and bytes. Max with the
    lowest number that the bytes can hold changes no result, and is not in the pattern.
    """
    lowest = np.array(-affine.zero_point * affine.scale, np.float32)
    bound = graph.add("Max", [tensor, graph.constant(lowest)])
    graph.redirect(tensor, bound.out)
    graph.rewire(bound, [tensor, bound.inputs[1]])
    return bound.out


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
