"""Gives a translated graph the names, types and axes that were asked for, and the weights' values.

The converter invents names for its tensors. All of them are moved aside first (`tf/...`), so that
none can meet a name that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.errors import ConversionError

__all__ = ["INPUT_NAME", "WEIGHT_PREFIX", "name_interface"]

INPUT_NAME = "image"
WEIGHT_PREFIX = "weight"
"""The function's inputs `weight0`, `weight1` ... stand for the model's variables, in its order."""


def name_interface(
    proto: onnx.ModelProto, function: Any, model: keras.Model, names: Sequence[str]
) -> None:
    """Rename the inputs and outputs of a translated graph, and put the weights in.

    Args:
        proto: The translated graph, changed in place.
        function: The TensorFlow function that it was translated from.
        model: The Keras model that the function was traced from.
        names: A name for each output, in the model's order.
    """
    graph = proto.graph
    raw_input = function.inputs[0].name
    raw_outputs = [tensor.name for tensor in function.outputs]
    weights = {tensor.name for tensor in function.inputs[1:]}
    _require_interface(graph, raw_input, raw_outputs, weights, model.name)
    _move_aside(graph, raw_input)
    for raw, name in zip(raw_outputs, names, strict=True):
        graph.node.append(helper.make_node("Identity", [_aside(raw, raw_input)], [name]))
    _put_weights(graph, model, raw_input)
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(_float_tensor(INPUT_NAME, model.inputs[0]))
    for name, tensor in zip(names, model.outputs, strict=True):
        graph.output.append(_float_tensor(name, tensor))
    graph.name = model.name


def _require_interface(
    graph: onnx.GraphProto, image: str, outputs: list[str], weights: set[str], model_name: str
) -> None:
    got_inputs = {value.name for value in graph.input} - weights
    got_outputs = {value.name for value in graph.output}
    if (got_inputs, got_outputs) != ({image}, set(outputs)):
        raise ConversionError(
            f"expected input {image!r} and outputs {sorted(outputs)} from the converter, got inputs"
            f" {sorted(got_inputs)} and outputs {sorted(got_outputs)}",
            where=f"model {model_name!r}",
            remedy="A layer keeps state outside its weights: cut the model before it.",
        )


def _move_aside(graph: onnx.GraphProto, raw_input: str) -> None:
    for node in graph.node:
        node.input[:] = [_aside(name, raw_input) for name in node.input]
        node.output[:] = [_aside(name, raw_input) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = _aside(tensor.name, raw_input)


def _aside(name: str, raw_input: str) -> str:
    """Return the converter's name of a tensor, marked so that no asked name can meet it."""
    if name == raw_input:
        return INPUT_NAME
    return f"tf/{name}" if name else ""


def _put_weights(graph: onnx.GraphProto, model: keras.Model, raw_input: str) -> None:
    """Turn the inputs that stand for weights, and are used, into initialisers."""
    used = {name for node in graph.node for name in node.input}
    variables = (*model.trainable_variables, *model.non_trainable_variables)
    for index, variable in enumerate(variables):
        name = _aside(f"{WEIGHT_PREFIX}{index}:0", raw_input)
        if name in used:
            graph.initializer.append(numpy_helper.from_array(variable.numpy(), name))


def _float_tensor(name: str, tensor: Any) -> onnx.ValueInfoProto:
    """Declare a float32 input or output with the shape of a Keras tensor; axis 0 is the batch."""
    dims: list[str | int | None] = ["batch", *tensor.shape[1:]]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
