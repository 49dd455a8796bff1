"""The numeric part of a network, through tf2onnx: what stands between and behind the columns."""

from __future__ import annotations

from typing import Any

import keras
import onnx
import tensorflow as tf

from edgefeat_export.graph import convert

__all__ = ["to_onnx"]

_OPSET = 18  # tf2onnx's newest. What it writes means the same in all later ones up to 21.


def to_onnx(model: keras.Model) -> onnx.ModelProto:
    """Translate a model of numbers.

    Args:
        model: Its inputs may be tensors inside another model. Each has numbers only.

    Returns:
        A graph with an input for each of the model's, and an output for each, in order. What it
        holds means the same in opset 20.

    Raises:
        ConversionError: tf2onnx does not know an operator.
    """
    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=f"in{index}")
        for index, tensor in enumerate(model.inputs)
    ]

    def run(*inputs: Any) -> list[Any]:
        outputs = model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)
        return [tf.identity(output) for output in tf.nest.flatten(outputs)]

    function = tf.function(run, input_signature=signature, autograph=False)
    return convert.translate(function.get_concrete_function(), _OPSET, model.name)
