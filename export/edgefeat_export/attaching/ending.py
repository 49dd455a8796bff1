"""How a Keras head ends, and so what its numbers mean: its last layer tells."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgefeat.errors import OptionError
from edgefeat.model.columns import UNSEEN_OUTPUT
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    VALUE,
    HeadAnswer,
    answer_names,
)
from edgefeat_export.attaching.refusing import refusal

__all__ = ["RAW_OUTPUT", "HeadEnding", "answer_of", "answering", "ending_of"]

_SAME = ("Dropout", "Flatten", "Identity", "Reshape", "Squeeze")


class HeadEnding(Enum):
    """What one row's output is."""

    CLASSES = "a softmax: a probability for each class"
    TWO_CLASSES = "a sigmoid: the probability of the second of two classes"
    NUMBER = "a number"


_CHANCE = "chance_of_the_second"
RAW_OUTPUT: Final = {
    HeadEnding.CLASSES: PROBABILITIES,
    HeadEnding.TWO_CLASSES: _CHANCE,
    HeadEnding.NUMBER: VALUE,
}
"""What the network's own output is called in its graph."""


def ending_of(model: Any) -> HeadEnding:
    """Return what a model's output means.

    Args:
        model: A flat Keras model.

    Raises:
        ConversionError: It has several outputs, or its numbers are neither probabilities nor one
            value.
    """
    if len(model.outputs) != 1:
        raise refusal(
            f"has {len(model.outputs)} outputs, expected one",
            where=model.name,
            remedy="Make a model of one of them: keras.Model(model.inputs, model.outputs[0]).",
        )
    (output,) = model.outputs
    layer = _last(output)
    width = output.shape[-1]
    if len(output.shape) != 2 or width is None:
        raise refusal(
            f"gives {tuple(output.shape[1:])} for a row, expected a few numbers",
            where=f"layer {layer.name!r}",
        )
    name = _activation(layer)
    if name == "softmax" and width > 1:
        return HeadEnding.CLASSES
    if name == "sigmoid" and width == 1:
        return HeadEnding.TWO_CLASSES
    if name not in ("softmax", "sigmoid") and width == 1:
        return HeadEnding.NUMBER
    told = "several labels for a row" if name == "sigmoid" else "no probabilities"
    raise refusal(
        f"ends in {width} numbers by {name}: {told}. Known are a softmax of several, a sigmoid of "
        "one, and one number without either",
        where=f"layer {layer.name!r}",
        remedy="Where these are scores that were trained with from_logits=True, put "
        "keras.layers.Softmax() behind them.",
    )


def answer_of(
    network: keras.Model, ending: HeadEnding, classes: Sequence[str] | None
) -> HeadAnswer:
    """Return what a head answers.

    Args:
        network: The flat Keras model.
        ending: How it ends.
        classes: Names of its classes; None numbers them from 0.

    Raises:
        OptionError: The names do not fit.
    """
    if ending is HeadEnding.NUMBER:
        if classes is not None:
            raise OptionError("does not apply: the network gives a number", option="classes")
        return HeadAnswer(classes=None, has_probabilities=False)
    count = 2 if ending is HeadEnding.TWO_CLASSES else int(network.outputs[0].shape[-1])
    names = tuple(map(str, range(count) if classes is None else classes))
    if len(names) != count or len(set(names)) != count or not all(names):
        raise OptionError(
            f"expected {count} different names, got {', '.join(map(repr, names))}",
            option="classes",
            remedy="Give one for each output of the network, in its order.",
        )
    return HeadAnswer(classes=names, has_probabilities=True)


def answering(drawn: onnx.ModelProto, ending: HeadEnding, answer: HeadAnswer) -> onnx.ModelProto:
    """Return a network's graph with the outputs of a file: all probabilities, and the label.

    Args:
        drawn: The graph, whose output is named as `RAW_OUTPUT` says.
        ending: How the network ends.
        answer: What the file answers.
    """
    model = onnx.ModelProto()
    model.CopyFrom(drawn)
    if ending is HeadEnding.NUMBER:
        return model
    graph = model.graph
    outputs = {one.name: one for one in graph.output}
    if ending is HeadEnding.TWO_CLASSES:
        graph.initializer.append(numpy_helper.from_array(np.ones((1, 1), np.float32), "one"))
        graph.node.append(helper.make_node("Sub", ["one", _CHANCE], ["other"], name="other"))
        both = ["other", _CHANCE]
        graph.node.append(helper.make_node("Concat", both, [PROBABILITIES], name="both", axis=1))
        outputs[PROBABILITIES] = helper.make_tensor_value_info(
            PROBABILITIES, TensorProto.FLOAT, ["batch", 2]
        )
    graph.node.append(
        helper.make_node("ArgMax", [PROBABILITIES], [LABEL], name=LABEL, axis=1, keepdims=0)
    )
    outputs[LABEL] = helper.make_tensor_value_info(LABEL, TensorProto.INT64, ["batch"])
    names = [*answer_names(answer), UNSEEN_OUTPUT]
    del graph.output[:]
    graph.output.extend(outputs[name] for name in names if name in outputs)
    return model


def _last(tensor: Any) -> Any:
    """Return the layer that computes a tensor, past those that do not change its numbers."""
    while True:
        layer, node, _ = tensor._keras_history
        if type(layer).__name__ not in _SAME:
            return layer
        (tensor,) = layer._inbound_nodes[node].input_tensors


def _activation(layer: Any) -> str:
    """Return the name of a layer's activation; `linear` without one."""
    kind = type(layer).__name__
    if kind in ("Softmax", "Sigmoid"):
        return kind.lower() if getattr(layer, "axis", -1) in (-1, 1) else "another axis"
    return str(getattr(getattr(layer, "activation", None), "__name__", "linear"))
