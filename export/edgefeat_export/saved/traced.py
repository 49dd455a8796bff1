"""Makes a traced TensorFlow graph a Keras model again, with a layer for each name in the trace.

A SavedModel has no Keras graph that could be cut, and neither has a model whose class runs Python
of its own. But the trace of both keeps the names of the layers: they are the scopes of its
operators. So its variables are frozen to constants, and one Keras layer runs the whole trace and
gives the last tensor of each scope. That is a functional model like any other. What the chosen
outputs do not need is pruned when the model is converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgefeat_export.cut.head import Head
from edgefeat_export.errors import BackboneError

__all__ = ["open_trace", "picture_inputs"]

# Operators of the dense layers at the end of a classifier. The cut is made in front of them.
_PERCEPTRON_OPERATORS: Final = (
    "AddV2",
    "BiasAdd",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "Mul",
    "Relu",
    "Relu6",
    "Rsqrt",
    "Sigmoid",
    "Softmax",
    "Sub",
    "Tanh",
)
_MAP_AXES, _VECTOR_AXES = 4, 2


def open_trace(
    function: Any, input_shape: tuple[int, int, int], name: str
) -> tuple[keras.Model, Callable[[], Head]]:
    """Return a functional model with one layer for each scope, and what finds its head.

    Args:
        function: A concrete TensorFlow function of one picture batch, with one output.
        input_shape: (height, width, channels).
        name: Name to give the returned model.

    Raises:
        BackboneError: Its input or output is not one tensor, or no tensor in it can be a feature.
    """
    inputs = picture_inputs(function)
    if len(inputs) != 1 or len(function.outputs) != 1:
        raise BackboneError(
            f"expected a function of one picture with one output, got {len(inputs)} inputs and"
            f" {len(function.outputs)} outputs",
            where=name,
            remedy="Export the model with one input and one output.",
        )
    try:
        graph = _with_static_input(function, input_shape)
    except ValueError as error:
        raise BackboneError(
            "its graph changes variables while it runs, or does not take pictures of"
            f" {input_shape[0]}x{input_shape[1]}: {error}",
            where=name,
            remedy="Leave layers such as random augmentation out of what is exported, or give the"
            " .keras file.",
        ) from error
    scopes = dict(_scopes(graph.outputs[0]))
    if not scopes:
        raise BackboneError(
            "no tensor in its graph is a map or a vector of known size",
            where=name,
            remedy="Give the .keras file, or export the model with a fixed input size.",
        )
    image = keras.Input(input_shape, name="image")
    tensors = _Trace(graph.prune(graph.inputs, list(scopes.values())))(image)
    outputs = {
        scope: keras.layers.Identity(name=scope)(tensor)
        for scope, tensor in zip(scopes, tensors, strict=True)
    }
    layer_of = {tensor.name: scope for scope, tensor in scopes.items()}
    find_head = partial(_head, graph.outputs[0], layer_of, name)
    return keras.Model(image, list(outputs.values()), name=name), find_head


def picture_inputs(function: Any) -> list[Any]:
    """Return the tensors that a caller feeds, without those that the function captured."""
    captured = {inner.name for _, inner in function.graph.captures}
    return [tensor for tensor in function.inputs if tensor.name not in captured]


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


def _with_static_input(function: Any, input_shape: tuple[int, int, int]) -> Any:
    """Return the frozen function for pictures of one size, so that all sizes in it are known."""
    (old,) = picture_inputs(function)
    frozen = convert_variables_to_constants_v2(function)
    (end,) = frozen.outputs
    # Freezing takes in variables, but not the plain tensors that a function captured.
    captured = {
        inner.name: outer.numpy()
        for outer, inner in function.graph.captures
        if outer.dtype != tf.resource
    }

    def run(image: Any) -> Any:
        left = [tensor.name for tensor in frozen.inputs if tensor.name in captured]
        constants = {name: tf.constant(captured[name]) for name in left}
        (output,) = tf.graph_util.import_graph_def(
            frozen.graph.as_graph_def(),
            input_map={old.name: tf.cast(image, old.dtype), **constants},
            return_elements=[end.name],
            name="",
        )
        return output

    spec = tf.TensorSpec((None, *input_shape), tf.float32)
    return tf.compat.v1.wrap_function(run, [spec])


def _scopes(output: Any) -> Iterator[tuple[str, Any]]:
    """Yield the last tensor of each scope that can be a feature, nearest to the output first."""
    taken: set[str] = set()
    seen, queue = {output.op.name}, [output]
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
    if tensor.dtype != tf.float32 or shape.rank not in (_MAP_AXES, _VECTOR_AXES):
        return False
    return shape[0] is None and None not in shape[1:]


def _is_constant(tensor: Any) -> bool:
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return bool(tensor.op.type == "Const")


def _head(output: Any, layer_of: dict[str, str], name: str) -> Head:
    """Walk from the output down to where a map became a vector, past at least one MatMul."""
    tensor, classifier = output, None
    while tensor.op.type in _PERCEPTRON_OPERATORS and tensor.shape.rank == _VECTOR_AXES:
        if tensor.op.type == "MatMul":
            classifier = classifier or _layer_name(tensor.op.name)
        computed = [before for before in tensor.op.inputs if not _is_constant(before)]
        if len(computed) != 1:
            break
        (tensor,) = computed
    if classifier is None:
        return Head(
            next(iter(layer_of.values())), "it ends without a classifier, so it is kept whole"
        )
    reason = f"the pooled or flattened features before the classifier {classifier!r}"
    if tensor.name not in layer_of:
        raise BackboneError(
            f"no layer's name belongs to {reason}",
            where=name,
            remedy="Name the layer to cut at with {option}.",
            option="layers",
        )
    return Head(layer_of[tensor.name], reason)
