"""Replaces Keras 2's operation layers, such as `x * 2` or `tf.concat` in a functional model.

Keras 2 saved each as a TFOpLambda or SlicingOpLambda, which Keras 3 no longer has. Such a layer
holds the name of a TensorFlow function and its arguments, but no code. Only functions on the list
below are accepted: they compute on tensors and do nothing else. The architecture is rewritten, as
plain data, so that a layer of our own calls the function.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf

from edgefeat_export.errors import BackboneError

__all__ = [
    "EXPORT_WITH_ITS_KERAS",
    "OPERATION_CLASSES",
    "KerasTwoOperation",
    "replace_operations",
]

Config = dict[str, Any]
EXPORT_WITH_ITS_KERAS: Final = (
    "Export the model as a SavedModel with the Keras that made it, and give that."
)
"""What to do with a model of Keras 2 that Keras 3 has no equal of."""
_KINDS: Final = ("TFOpLambda", "SlicingOpLambda")
_OPERATORS: Final = {
    "__operators__.add": tf.add,
    "__operators__.getitem": lambda tensor, slice_spec: tensor[slice_spec],
}
_KNOWN: Final = {
    "tf": "cast clip_by_value concat expand_dims identity pad repeat reshape reverse squeeze stack"
    " stop_gradient tile transpose",
    "tf.image": "resize rgb_to_grayscale",
    "tf.linalg": "matmul",
    "tf.nn": "avg_pool bias_add elu leaky_relu max_pool relu relu6 selu silu softmax swish",
    "tf.math": "abs add add_n divide divide_no_nan exp l2_normalize log maximum minimum multiply"
    " negative pow reciprocal reduce_max reduce_mean reduce_min reduce_std reduce_sum"
    " reduce_variance rsqrt sigmoid softplus sqrt square subtract tanh truediv",
}
_FUNCTIONS: Final = frozenset(
    f"{module}.{name}".removeprefix("tf.")
    for module, names in _KNOWN.items()
    for name in names.split()
)


class KerasTwoOperation(keras.layers.Layer):  # type: ignore[misc, unused-ignore]  # untyped base
    """One TensorFlow function, called as a saved Keras 2 model calls it.

    Args:
        function: Name of the function below `tf.`, such as `math.add`.
        arguments: The first argument, and the named ones by their names. `{"tensor": i}` stands
            for the i-th input of the layer.
        common: What every Keras layer takes, such as its name.
    """

    def __init__(self, function: str, arguments: list[Any], **common: Any) -> None:
        super().__init__(**common)
        self.function = function
        self._call_as = arguments
        self._operation = _OPERATORS.get(function) or _below_tf(function)

    def call(self, inputs: Any) -> Any:
        """Call the function on the layer's inputs."""
        tensors = inputs if isinstance(inputs, list) else [inputs]
        first, named = (_filled(part, tensors) for part in self._call_as)
        return self._operation(first, **named)


OPERATION_CLASSES: Final = {KerasTwoOperation.__name__: KerasTwoOperation}


def replace_operations(config: Config, path: Path) -> int:
    """Replace, in place, every operation layer by one that Keras 3 can build; return how many.

    Args:
        config: The architecture; changed.
        path: The model file, for messages.

    Raises:
        BackboneError: A layer calls a function that is not known, or is called more than once.
    """
    count = 0
    for layer in _operation_layers(config):
        function = str(layer["config"].get("function"))
        name, calls = layer["config"].get("name"), layer.get("inbound_nodes", [])
        if function not in _FUNCTIONS | _OPERATORS.keys() or len(calls) != 1:
            raise BackboneError(
                f"layer {name!r} calls tf.{function}, which this exporter cannot take over from"
                " Keras 2",
                where=path,
                remedy=EXPORT_WITH_ITS_KERAS,
            )
        arguments, inputs = _described(calls[0])
        kept = {
            key: layer["config"][key] for key in ("name", "trainable") if key in layer["config"]
        }
        layer["class_name"] = KerasTwoOperation.__name__
        layer["config"] = kept | {"function": function, "arguments": arguments}
        layer["inbound_nodes"] = [[[*source, {}] for source in inputs]]
        for key in ("module", "registered_name", "build_config"):
            layer.pop(key, None)
        count += 1
    return count


def _operation_layers(value: Any) -> Iterator[Config]:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from _operation_layers(item)
    if isinstance(value, dict) and value.get("class_name") in _KINDS:
        yield value


def _described(call: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """Return how to call the function, and the tensors it is called on: [layer, node, tensor]."""
    inputs: list[list[Any]] = []
    nested = isinstance(call[0], list)
    named = {key: _taken(item, inputs) for key, item in (call[0] if nested else call)[3].items()}
    if nested:  # a list of tensors, as for concat
        first: Any = [_taken(item[:3], inputs) for item in call]
    elif call[0] == "_CONSTANT_VALUE":
        first = call[2]
    else:
        first = _taken(call[:3], inputs)
    named.pop("name", None)
    return [first, named], inputs


def _taken(value: Any, inputs: list[list[Any]]) -> Any:
    if _is_tensor(value):
        inputs.append(value)
        return {"tensor": len(inputs) - 1}
    return [_taken(item, inputs) for item in value] if isinstance(value, list) else value


def _is_tensor(value: Any) -> bool:
    kinds = [type(item) for item in value] if isinstance(value, list) else []
    return kinds == [str, int, int]


def _filled(value: Any, tensors: list[Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_filled(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"tensor"}:
        return tensors[value["tensor"]]
    if set(value) == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    if value.get("class_name") == "__ellipsis__":
        return Ellipsis
    return {key: _filled(item, tensors) for key, item in value.items()}


def _below_tf(name: str) -> Any:
    if name not in _FUNCTIONS:
        raise ValueError(f"tf.{name} is not an operation that a saved model may name")
    found: Any = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found
