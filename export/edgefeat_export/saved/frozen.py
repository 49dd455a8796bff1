"""Freezes a TensorFlow function for pictures of one size, so that all sizes in its graph are known.

Of a function of several inputs only what hangs on one picture alone is of use. Its last tensors are
the ends of the frozen graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.full_floats import in_float32

__all__ = ["Frozen", "frozen", "output_names", "picture_inputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A function of one picture, without variables.

    Attributes:
        function: The graph; it may hold more than hangs on the picture.
        ends: The last tensors that hang on the picture alone, by name: the function's outputs
            where they do.
    """

    function: Any
    ends: dict[str, Any]

    @property
    def image(self) -> Any:
        """The picture's tensor, float32 (batch, height, width, channels)."""
        return self.function.inputs[0]

    def pruned(self, tensors: Sequence[Any]) -> Any:
        """Return the function of the picture that gives some of its tensors."""
        return self.function.prune([self.image], list(tensors))


def picture_inputs(function: Any) -> list[Any]:
    """Return the tensors that a caller feeds, without those that the function captured."""
    captured = {inner.name for _, inner in function.graph.captures}
    return [tensor for tensor in function.inputs if tensor.name not in captured]


def frozen(
    function: Any,
    position: int,
    input_shape: Sequence[int | None],
    name: str,
    wanted: str | None = None,
) -> Frozen:
    """Freeze a function for pictures of one size.

    Args:
        function: A concrete TensorFlow function.
        position: Which of its inputs, captured tensors left out, takes the picture.
        input_shape: (height, width, channels).
        name: Name of the model, for messages.
        wanted: The output that counts; None counts all.

    Raises:
        BackboneError: It has a loop of TensorFlow 1, changes variables while it runs, or does not
            take such pictures.
    """
    if any(op.type == "NextIteration" for op in function.graph.get_operations()):
        raise BackboneError(
            "it has a loop of TensorFlow 1, which cannot be taken apart",
            where=name,
            remedy="Save it again under tf.compat.v1.enable_control_flow_v2(), or without it.",
        )
    try:
        graph = _with_static_input(function, position, input_shape)
    except ValueError as error:
        raise BackboneError(
            "its graph changes variables while it runs, or does not take pictures of"
            f" {input_shape[0]}x{input_shape[1]}: {error}",
            where=name,
            remedy="Leave layers such as random augmentation out of what is exported, or give the"
            " .keras file.",
        ) from error
    names = output_names(function)
    ends = zip(names, graph.outputs, strict=True)
    outputs = {name: _source(end) for name, end in ends if wanted in (None, name)}
    return Frozen(function=graph, ends=_of_one_input(graph, outputs))


def _with_static_input(function: Any, position: int, input_shape: Sequence[int | None]) -> Any:
    old = picture_inputs(function)[position]
    solid = convert_variables_to_constants_v2(function, lower_control_flow=False)
    ends = [end.name for end in solid.outputs]
    # Freezing takes in variables, but not the plain tensors that a function captured.
    captured = {
        inner.name: outer.numpy()
        for outer, inner in function.graph.captures
        if outer.dtype != tf.resource
    }

    graph = in_float32(solid.graph.as_graph_def())

    def run(image: Any) -> Any:
        left = [tensor.name for tensor in solid.inputs if tensor.name in captured]
        constants = {name: _constant(captured[name]) for name in left}
        return tf.graph_util.import_graph_def(
            graph,
            input_map={old.name: tf.cast(image, _full(old.dtype)), **constants},
            return_elements=ends,
            name="",
        )

    spec = tf.TensorSpec((None, *input_shape), tf.float32)
    return tf.compat.v1.wrap_function(run, [spec])


def _full(dtype: Any) -> Any:
    return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype


def _constant(value: Any) -> Any:
    constant = tf.constant(value)
    return tf.cast(constant, _full(constant.dtype))


def _source(tensor: Any) -> Any:
    """Return what an output is a copy of: that tensor has the name of its layer."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor


def output_names(function: Any) -> list[str]:
    """Return a name for every output, as the signature has it."""
    structure = function.structured_outputs
    if isinstance(structure, dict):
        names = [str(name) for name in sorted(structure)]
        if len(names) == len(function.outputs):
            return names
    return [f"output_{index}" for index in range(len(function.outputs))]


def _of_one_input(graph: Any, outputs: dict[str, Any]) -> dict[str, Any]:
    """Return the last tensors on the way to the outputs that hang on the first input alone."""
    image = graph.inputs[0].op
    ordered = _in_order([tensor.op for tensor in outputs.values()])
    alone, mixed = {image.name}, set[str]()
    for op in ordered:
        before = {one.op.name for one in op.inputs}
        if (op.type == "Placeholder" and op.name != image.name) or before & mixed:
            mixed.add(op.name)
        elif before & alone:
            alone.add(op.name)
    ends = {name: tensor for name, tensor in outputs.items() if tensor.op.name in alone}
    for op in ordered:
        if op.name in mixed:
            ends |= {x.op.name: x for x in op.inputs if x.op.name in alone and x.op != image}
    return ends


def _in_order(ops: Sequence[Any]) -> list[Any]:
    ordered, seen = list[Any](), set[str]()
    left = [(op, False) for op in ops]
    while left:
        op, done = left.pop()
        if done:
            ordered.append(op)
        elif op.name not in seen:
            seen.add(op.name)
            left.append((op, True))
            left.extend((before.op, False) for before in op.inputs)
    return ordered
