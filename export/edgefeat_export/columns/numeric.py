"""The numeric part of a network, through tf2onnx: what stands between and behind the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
import onnx
import tensorflow as tf

from edgefeat_export.columns.column import Operand
from edgefeat_export.graph import convert

__all__ = ["to_onnx"]

_OPSET: Final = 18  # tf2onnx's newest. What it writes means the same in all later ones up to 21.


def to_onnx(
    calls: Sequence[Any], entering: Sequence[tuple[Any, Operand]], leaving: Sequence[Any]
) -> tuple[onnx.ModelProto, list[Operand]]:
    """Translate some calls of a Keras graph.

    They are called again on inputs of the shapes that really come: of some layers Keras's graph
    declares another one.

    Args:
        calls: Nodes of Keras's graph, in the order in which they compute.
        entering: The symbolic tensors that they read from outside, and what is known of each.
        leaving: The symbolic tensors that are read from outside.

    Returns:
        A graph with inputs and outputs in these orders, which means the same in opset 20, and its
        outputs by the names they have there.

    Raises:
        ConversionError: tf2onnx does not know an operator.
    """
    inputs = [
        keras.Input(known.shape[1:], dtype=tensor.dtype, name=f"in{index}")
        for index, (tensor, known) in enumerate(entering)
    ]
    now = {id(tensor): new for (tensor, _), new in zip(entering, inputs, strict=True)}
    for call in calls:
        args, kwargs = call.arguments.fill_in(now)
        made = keras.tree.flatten(call.operation(*args, **kwargs))
        now |= {id(old): new for old, new in zip(call.outputs, made, strict=True)}
    # Vocabularies of other layers, which TensorFlow fails to write beside these, with a warning.
    tf.compat.v1.get_default_graph().clear_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS)
    model = keras.Model(inputs, [now[id(tensor)] for tensor in leaving], name="numbers")
    proto = convert.translate(_trace(model), _OPSET, "the numeric layers")
    _mend_identities(proto.graph)
    tensors = [
        Operand(name=value.name, dtype=str(tensor.dtype), shape=tuple(tensor.shape))
        for value, tensor in zip(proto.graph.output, model.outputs, strict=True)
    ]
    return proto, tensors


def _trace(model: keras.Model) -> Any:
    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]

    def run(*inputs: Any) -> list[Any]:
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return [tf.identity(output) for output in tf.nest.flatten(outputs)]

    function = tf.function(run, input_signature=signature, autograph=False)
    return function.get_concrete_function()


def _mend_identities(graph: onnx.GraphProto) -> None:
    """Take surplus inputs off: tf2onnx leaves a list's shape beside what it turns into a tensor."""
    for node in graph.node:
        if node.op_type == "Identity":
            del node.input[1:]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _mend_identities(attribute.g)
