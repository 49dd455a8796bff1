"""Reads the operators of a TensorFlow graph as `Operations`. No other file of this room knows them.

What only hands a tensor on, such as Identity and a dropout that is off, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import keras
import tensorflow as tf

from edgefeat_export.cut.head import Head, find_head
from edgefeat_export.cut.headless import tensors_by_layer
from edgefeat_export.cut.operations import Operation, Operations

__all__ = ["head_of", "network_of", "network_of_keras"]

_SAME: Final = frozenset(
    [
        "CheckNumerics",
        "EnsureShape",
        "Identity",
        "IdentityN",
        "PlaceholderWithDefault",
        "PreventGradient",
        "Snapshot",
        "StopGradient",
    ]
)
_SIZES: Final = frozenset(["OnesLike", "Rank", "Shape", "ShapeN", "Size", "ZerosLike"])
_FLOATS: Final = (tf.bfloat16, tf.float16, tf.float32, tf.float64)


def head_of(model: keras.Model, *, doubt: str = "") -> Head:
    """Return where a flat Keras model of one picture can be cut.

    Args:
        model: The model.
        doubt: Why nobody can be sure, whatever its operators say; empty if they decide.

    Raises:
        BackboneError: There is no such place.
    """
    return find_head(network_of_keras(model), str(model.name), doubt=doubt)


def network_of_keras(model: keras.Model) -> Operations:
    """Return the operators of a flat Keras model of one picture of known size."""
    tensors = tensors_by_layer(model)
    layers = {name: tensors[name] for name in (x.name for x in model.operations) if name in tensors}
    ends = list(model.outputs)
    whole = keras.Model(model.inputs[0], [*layers.values(), *ends], name="looked_at")

    def run(image: Any) -> Any:
        return keras.tree.flatten(whole(image, training=False))

    shape = (None, *model.inputs[0].shape[1:])
    function = tf.function(run, autograph=False).get_concrete_function(
        tf.TensorSpec(shape, tf.float32)
    )
    results = function.outputs
    taps = dict(zip(layers, results[: len(layers)], strict=True))
    return network_of(function.inputs[0], results[len(layers) :], taps)


def network_of(image: Any, outputs: Sequence[Any], layers: Mapping[str, Any]) -> Operations:
    """Return the operators between a picture and outputs, all of one TensorFlow graph.

    Args:
        image: The picture's tensor.
        outputs: The tensors of the outputs.
        layers: Where one can cut: tensors by the name of their layer. Of several layers that hand
            on one tensor, the first gives it its name.
    """
    ordered = _in_order([*layers.values(), *outputs])
    origin, random = _same(image), set[Any]()
    nodes = {origin.name: _node(origin, (), is_random=False)}
    for tensor in ordered:
        inputs = [_same(before) for before in tensor.op.inputs]
        if "Random" in tensor.op.type or not random.isdisjoint(one.ref() for one in inputs):
            random.add(tensor.ref())
        live = [before for before in inputs if before.name in nodes]
        if tensor.name not in nodes and live and tensor.op.type not in _SIZES:
            nodes[tensor.name] = _node(tensor, live, is_random=tensor.ref() in random)
    layer_of = dict[str, str]()
    for layer, tensor in layers.items():
        layer_of.setdefault(_same(tensor).name, layer)
    return Operations(
        nodes=nodes,
        image=origin.name,
        outputs=tuple(name for tensor in outputs if (name := _same(tensor).name) in nodes),
        layer_of={name: layer for name, layer in layer_of.items() if name in nodes},
    )


def _in_order(tensors: Iterable[Any]) -> list[Any]:
    """Return the tensors that lead to some tensors, each after those it is made of."""
    ordered, seen = list[Any](), set[Any]()
    left = [(_same(tensor), False) for tensor in tensors]
    while left:
        tensor, done = left.pop()
        if done:
            ordered.append(tensor)
        elif tensor.ref() not in seen:
            seen.add(tensor.ref())
            left.append((tensor, True))
            # A loop's way back leads to a tensor that is seen already, and ends there.
            left.extend((_same(before), False) for before in tensor.op.inputs)
    return ordered


def _same(tensor: Any) -> Any:
    """Return the tensor that a tensor is a copy of."""
    while True:
        op = tensor.op
        is_float_cast = op.type == "Cast" and {tensor.dtype, op.inputs[0].dtype} <= {*_FLOATS}
        if (op.type not in _SAME and not is_float_cast) or not op.inputs:
            return tensor
        tensor = op.inputs[tensor.value_index if op.type == "IdentityN" else 0]


def _node(tensor: Any, live: Sequence[Any], *, is_random: bool) -> Operation:
    names = {before.ref() for before in live}
    constants = [_same(x) for x in tensor.op.inputs if _same(x).ref() not in names]
    shape = tensor.shape
    return Operation(
        name=tensor.name,
        op=tensor.op.type,
        shape=None if shape.rank is None else tuple(shape.as_list()[1:]),
        before=tuple(before.name for before in live),
        constants=tuple(x.shape.num_elements() or 0 for x in constants if x.dtype in _FLOATS),
        random=is_random,
    )
