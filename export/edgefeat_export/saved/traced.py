"""Makes a traced TensorFlow graph a Keras model again, with a layer for each name in the trace.

A SavedModel has no Keras graph that could be cut, and neither has a model whose class runs Python
of its own. But the trace of both keeps the names of the layers: they are the scopes of its
operators. So its variables are frozen to constants, and one Keras layer runs the whole trace and
gives the last tensor of each scope. That is a functional model like any other. What the chosen
outputs do not need is pruned when the model is converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from edgefeat_export.cut.head import Head, find_head
from edgefeat_export.cut.operations import Operations
from edgefeat_export.cut.tracing import network_of
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.frozen import Frozen, frozen, output_names, picture_inputs
from edgefeat_export.saved.one_output import require_known
from edgefeat_export.saved.picture_input import input_shapes, is_picture, several_inputs

__all__ = ["open_trace", "picture_inputs"]

_MAP_AXES, _TOKEN_AXES, _VECTOR_AXES = 4, 3, 2
_OUTPUT = "output"


def open_trace(
    function: Any,
    path: Path,
    name: str,
    *,
    size_hw: tuple[int, int] | None = None,
    layers: Sequence[str] = (),
    model_output: str | None = None,
) -> tuple[keras.Model, Callable[[], Head]]:
    """Return a functional model with one layer for each scope, and what finds its head.

    Args:
        function: A concrete TensorFlow function with a batch of pictures among its inputs.
        path: The model, for messages.
        name: Name to give the returned model.
        size_hw: Height and width in pixels, where the function leaves them open.
        layers: Names of layers that it will be cut at, which say what picture is meant where it
            takes several.
        model_output: Which of its outputs is meant; None keeps all.

    Raises:
        BackboneError: None of its inputs is a picture, or no tensor in it can be a feature.
    """
    if model_output is not None:
        require_known(model_output, output_names(function), path)
    inputs = picture_inputs(function)
    named = [(tensor.op.name, _shape(tensor)) for tensor in inputs]
    shapes = input_shapes(named, path, size_hw)
    pictures = [i for i, (_, shape) in enumerate(named) if is_picture(shape)]
    found = dict[int, dict[str, Any]]()
    for position in pictures:
        graph = frozen(function, position, shapes[position], name, model_output)
        found[position] = scopes = _layers(graph)
        if scopes and scopes.keys() >= set(layers):
            return _as_model(graph, scopes, name, several_inputs(named))
    for position in (one for one in pictures if found[one]):
        # A layer that was named is not there: the first picture's part will say so.
        graph = frozen(function, position, shapes[position], name, model_output)
        return _as_model(graph, found[position], name, several_inputs(named))
    raise BackboneError(
        "no tensor in its graph is a map or a vector of known size that hangs on one picture alone",
        where=path,
        remedy="Give the .keras file, or export the model with a fixed input size.",
    )


def _as_model(
    graph: Frozen, scopes: dict[str, Any], name: str, doubt: str
) -> tuple[keras.Model, Callable[[], Head]]:
    network = _network(graph, scopes)
    image = keras.Input(graph.image.shape[1:], name="image")
    tensors = _Trace(graph.pruned(list(scopes.values())))(image)
    outputs = [
        keras.layers.Identity(name=scope)(tensor)
        for scope, tensor in zip(scopes, tensors, strict=True)
    ]
    return keras.Model(image, outputs, name=name), partial(find_head, network, name, doubt=doubt)


class _Trace(keras.Layer):  # type: ignore[misc]
    """A frozen function as a layer: it takes pictures and gives the tensor of every scope."""

    def __init__(self, function: Any) -> None:
        super().__init__(name="trace")
        self._function = function

    def call(self, image: Any) -> list[Any]:
        """Return the tensor of every scope."""
        return list(tf.nest.flatten(self._function(image)))

    def compute_output_spec(self, image: Any) -> list[Any]:
        """Return shapes and types of what `call` returns."""
        shapes = [output.shape for output in self._function.outputs]
        return [
            keras.KerasTensor((image.shape[0], *shape[1:]), dtype="float32") for shape in shapes
        ]


def _network(graph: Frozen, scopes: dict[str, Any]) -> Operations:
    # The tensor nearest to the picture gives its name to those that only hand it on.
    layers = dict(reversed(scopes.items()))
    return network_of(graph.image, list(graph.ends.values()), layers)


def _layers(graph: Frozen) -> dict[str, Any]:
    """Return where one can cut: tensors by name, nearest to the outputs first.

    Each scope stands for its last tensor. An output whose scope has no name, or stands for another
    tensor, is called by its own name.
    """
    found = dict[str, Any]()
    for scope, tensor in _scopes(list(graph.ends.values())):
        found.setdefault(scope, tensor)
    named = {tensor.name for tensor in found.values()}
    for name, tensor in graph.ends.items():
        if tensor.name not in named and _can_be_feature(tensor):
            own = _OUTPUT if len(graph.ends) == 1 else name
            free = own if own not in found else f"{own}_end"
            found[free] = tensor
    return found


def _scopes(outputs: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the last tensor of each scope that can be a feature, nearest to the outputs first."""
    taken: set[str] = set()
    queue = list(outputs)
    seen = {output.op.name for output in outputs}
    while queue:
        tensor = queue.pop(0)
        name = _layer_name(tensor.op.name)
        if name and name not in taken and _can_be_feature(tensor):
            taken.add(name)
            yield name, tensor
        for before in tensor.op.inputs:
            if before.op.name not in seen:
                seen.add(before.op.name)
                queue.append(before)


def _layer_name(operation: str) -> str:
    """Return the layer of an operation.

    `StatefulPartitionedCall/model/conv2d_1/Relu` belongs to layer `conv2d_1`.
    """
    parts = [part for part in operation.split("/")[:-1] if "PartitionedCall" not in part]
    return "_".join(parts[1:] or parts)


def _can_be_feature(tensor: Any) -> bool:
    shape = tensor.shape
    if tensor.dtype != tf.float32 or shape.rank not in (_MAP_AXES, _TOKEN_AXES, _VECTOR_AXES):
        return False
    return shape[0] is None and None not in shape[1:]


def _shape(tensor: Any) -> tuple[int | None, ...]:
    return tuple(tensor.shape.as_list()) if tensor.shape.rank else ()
