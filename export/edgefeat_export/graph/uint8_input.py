"""Makes a uint8 RGB picture the graph's input, with colour order and normalisation inside."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.layout_rules import TO_FIRST, TO_LAST
from edgefeat_export.graph.pipeline import settle
from edgefeat_export.graph.writing import write
from edgefeat_export.networks.normalisation import Normalisation

__all__ = ["with_uint8_input"]

_ONE_CHANNEL_MORE = np.array([0, 0, 0, 0, 0, 1, 0, 0])
"""Behind the others, of (batch, channels, height, width)."""


def with_uint8_input(model: onnx.ModelProto, normalisation: Normalisation) -> onnx.ModelProto:
    """Move what happens between pixels and network into the graph.

    Colour order and scale end up in the first convolution's weights. The mean stays one
    subtraction: a padded convolution must see zero where the picture ends, and zero is the mean.

    Args:
        model: A cleaned graph with one float32 input (batch, height, width, channels).
        normalisation: What the network expects of a pixel.

    Returns:
        The graph with an input of the same name, uint8 (batch, height, width, channels), RGB. It
        has no alpha: where the network takes it, the graph adds it.

    Raises:
        ConversionError: The graph has another input, or a grey picture has three means.
    """
    graph = Graph(model)
    channels = _channels(graph, 4 if normalisation.opaque else 3)
    mean, scale, order = _constants(normalisation, channels, graph.name)
    (info,) = graph.inputs
    name = info.name
    height, width, _ = (d.dim_value for d in info.type.tensor_type.shape.dim[1:])
    dims = ["batch", height, width, channels - normalisation.opaque]
    graph.set_input(helper.make_tensor_value_info(name, TensorProto.UINT8, dims))
    first = graph.add("Transpose", [name], perm=TO_FIRST)  # on bytes: a quarter of the traffic
    x = first.out
    if normalisation.opaque:  # one more channel, of 255
        pads = [graph.constant(_ONE_CHANNEL_MORE), graph.constant(np.array(255, np.uint8))]
        x = graph.add("Pad", [x, *pads], mode="constant").out
    x = graph.add("Cast", [x], to=TensorProto.FLOAT).out
    x = graph.add("Sub", [x, graph.constant(mean.reshape(1, -1, 1, 1))]).out
    x = graph.add("Mul", [x, graph.constant(scale.reshape(1, -1, 1, 1))]).out
    if order is not None:
        x = graph.add("Gather", [x, graph.constant(order)], axis=1).out
    last = graph.add("Transpose", [x], perm=TO_LAST)
    graph.redirect(name, last.out)
    graph.rewire(first, [name])
    settle(graph)
    return write(graph)


def _channels(graph: Graph, coloured: int) -> int:
    """Return how many channels of floats the graph takes: 1 for a grey picture, or `coloured`."""
    shapes = [graph.shape(info.name) for info in graph.inputs]
    kinds = [info.type.tensor_type.elem_type for info in graph.inputs]
    if len(shapes) == 1 and kinds == [TensorProto.FLOAT]:
        shape = shapes[0]
        if shape is not None and len(shape) == 4 and shape[3] in (1, coloured):
            return shape[3]
    raise ConversionError(
        f"expected one float32 input (batch, height, width, 1 or {coloured}), got shapes {shapes}"
        f" of ONNX types {kinds}",
        where=f"graph {graph.name!r}",
        remedy="Give the model as `clean` returned it.",
    )


def _constants(
    normalisation: Normalisation, channels: int, graph_name: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64] | None]:
    """Return mean and 1/std in the picture's order, and the picture's channels in the network's."""
    mean, std = np.array(normalisation.mean), np.array(normalisation.std)
    if channels == 1:
        if len({*normalisation.mean}) > 1 or len({*normalisation.std}) > 1:
            raise ConversionError(
                "expected one mean and one std for a grey picture, got "
                f"mean {normalisation.mean} and std {normalisation.std}",
                where=f"graph {graph_name!r}",
                remedy="Repeat the same number three times.",
            )
        mean, std = mean[:1], std[:1]
    elif normalisation.opaque:
        mean, std = np.append(mean, mean[0]), np.append(std, std[0])
    reverse = channels == 3 and normalisation.colour == "bgr"
    if reverse:
        mean, std = mean[::-1], std[::-1]
    order = np.array([2, 1, 0]) if reverse else None
    return mean.astype(np.float32), (1 / std).astype(np.float32), order
