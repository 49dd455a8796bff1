"""Translates Keras to ONNX through tf2onnx. Only `own_translations` knows tf2onnx besides.

tf2onnx's own optimisers are left out on purpose. They catch their own failures and carry on: on
MobileNetV3 one crashes and leaves a hundred Transposes. They also cost most of the time. Its
translation alone is dependable, and `graph.pipeline.clean` does the rest, always in the same way.

The weights take no part in it. They are traced as arguments, and put in when the graph is ONNX
(`graph.interface`). Frozen into TensorFlow's graph they would be copied some twenty times.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import onnx
import tensorflow as tf
from tf2onnx import tf_loader, tfonnx, utils

from edgefeat.errors import OptionError
from edgefeat_export import border
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph import standard
from edgefeat_export.graph.interface import INPUT_NAME, WEIGHT_PREFIX, name_interface
from edgefeat_export.graph.own_translations import OWN_TRANSLATIONS

__all__ = ["to_onnx", "translate"]

_CUT_BEFORE = "Cut the model before the layer, or replace it."
_CONTROL = frozenset(["If", "StatelessIf", "StatelessWhile", "Switch", "While"])
_XLA_MARK = "_XlaMustCompile"
_OPSETS = range(13, 18)


def to_onnx(
    model: keras.Model, output_names: Sequence[str], *, opset: int = standard.OPSET
) -> onnx.ModelProto:
    """Translate a headless model, and check the result against what was asked for.

    Args:
        model: A model with one image input of known height, width and channels.
        output_names: A name for each of the model's outputs, in the model's order.
        opset: Version of the standard operator set, 13 to 17.

    Returns:
        The graph from `image`, float32 (batch, height, width, channels), to the named outputs. It
        is not cleaned yet.

    Raises:
        ConversionError: An operator has no translation, or the result is not what was asked for.
        OptionError: The opset is not one that can be written.
    """
    if opset not in _OPSETS:
        problem = f"expected {_OPSETS[0]} to {_OPSETS[-1]}, got {opset}"
        raise OptionError(problem, option="opset")
    shape = _input_shape(model)
    _check_names(model, output_names)
    where = f"model {model.name!r}"
    with border.explained(
        "TensorFlow cannot trace it", where=where, remedy=_CUT_BEFORE, error=ConversionError
    ):
        function = _trace(model, shape)
    try:
        proto = translate(function, opset, model.name)
        name_interface(proto, function, model, output_names)
        _keep_standard_opset(proto)
        standard.require_standard(proto, where=f"model {model.name!r}", opset=opset)
    except ConversionError as error:
        if not _branches(function):
            raise
        raise ConversionError(
            "it has a loop or a condition, which is translated from recurrent layers of .keras and"
            " .h5 files, but not from this",
            where=error.where,
            remedy="Give such a file, or cut the model in front of it: name a layer with {option}.",
            option="layers",
        ) from error
    return proto


def _branches(function: Any) -> bool:
    """Return whether a traced function, or one inside it, has a loop or a condition."""
    graph = function.graph.as_graph_def()
    inside = (one.node_def for one in graph.library.function)
    return any(node.op in _CONTROL for nodes in (graph.node, *inside) for node in nodes)


def _input_shape(model: keras.Model) -> tuple[int, int, int]:
    shapes = [tuple(tensor.shape) for tensor in model.inputs or ()]
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:]:
        raise ConversionError(
            "expected one image input (batch, height, width, channels), all but the batch known, "
            f"got {shapes}",
            where=f"model {model.name!r}",
            remedy="Build it with input_shape=(height, width, 3).",
        )
    return shapes[0][1:]


def _check_names(model: keras.Model, names: Sequence[str]) -> None:
    if len(names) != len(model.outputs) or len({*names, INPUT_NAME}) != len(names) + 1:
        raise ConversionError(
            f"expected {len(model.outputs)} different output names (none of them {INPUT_NAME!r}), "
            f"got {list(names)}",
            where=f"model {model.name!r}",
            remedy="Name each output once.",
        )


def _unroll(model: keras.Model) -> None:
    """Have recurrent layers write each step out: tf2onnx cannot take a loop with weights outside.

    A picture's steps are few and known, and a graph without a loop is one that can be cleaned.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN):
            layer.unroll = True


def _trace(model: keras.Model, shape: tuple[int, int, int]) -> Any:
    """Return one TensorFlow function of a batch of pictures and every weight."""
    _unroll(model)
    trained, others = model.trainable_variables, model.non_trainable_variables
    signature = [tf.TensorSpec((None, *shape), tf.float32, name=INPUT_NAME)]
    for index, variable in enumerate((*trained, *others)):
        spec = tf.TensorSpec(variable.shape, variable.dtype, name=f"{WEIGHT_PREFIX}{index}")
        signature.append(spec)
    plain = isinstance(model, keras.Sequential)  # takes a tensor; others name or list their inputs

    def run(image: Any, *weights: Any) -> list[Any]:
        picture = image if plain else tf.nest.pack_sequence_as(model.input, [image])
        values = weights[: len(trained)], weights[len(trained) :]
        outputs, _ = model.stateless_call(*values, picture, training=False)
        return [tf.identity(output) for output in tf.nest.flatten(outputs)]

    return tf.function(run, input_signature=signature, autograph=False).get_concrete_function()


def translate(function: Any, opset: int, model_name: str) -> onnx.ModelProto:
    """Translate a traced function, operator by operator.

    Args:
        function: A concrete TensorFlow function.
        opset: Version of the standard operator set.
        model_name: What messages call it.

    Returns:
        The graph, with inputs and outputs in the function's order, under the names that TensorFlow
        gives them.

    Raises:
        ConversionError: An operator has no translation.
    """
    captured = {
        inner.name: outer.numpy()
        for outer, inner in function.graph.captures
        if outer.dtype != tf.resource
    }
    inputs = [t.name for t in function.inputs if t.dtype != tf.resource]
    outputs = [t.name for t in function.outputs]
    graph_def = tf_loader.from_function(function, inputs, outputs)
    graph_def = _inline_compiled(graph_def, inputs, outputs)
    _embed(graph_def, captured)
    inputs = [name for name in inputs if name not in captured]
    # It sorts by names that it numbers on and on: `Mul__9` comes behind `Mul__10`.
    utils.INTERNAL_NAME = 1
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with (
            _silent_tf2onnx(),
            border.explained(
                "expected tf2onnx to translate every operator, got",
                where=f"model {model_name!r}",
                remedy=_CUT_BEFORE,
                error=ConversionError,
            ),
        ):
            translated = tfonnx.process_tf_graph(
                graph,
                opset=opset,
                input_names=inputs,
                output_names=outputs,
                continue_on_error=False,
                custom_op_handlers=OWN_TRANSLATIONS,
            )
    model: onnx.ModelProto = translated.make_model("features")
    return model


@contextmanager
def _silent_tf2onnx() -> Iterator[None]:
    """Keep tf2onnx from writing tracebacks of its own: what fails is raised, and told once."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def _inline_compiled(graph_def: Any, inputs: list[str], outputs: list[str]) -> Any:
    """Take grouped convolutions out of the functions in which Keras hides them.

    The functions are marked for XLA. Without the mark TensorFlow's grappler inlines them.
    """
    marked = [node for node in graph_def.node if _XLA_MARK in node.attr]
    if not marked:
        return graph_def
    for node in marked:
        node.attr.pop(_XLA_MARK)
    for function in graph_def.library.function:
        function.attr.pop(_XLA_MARK, None)
        function.attr.pop("_noinline", None)
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        return tf_loader.tf_optimize(inputs, outputs, graph_def)


def _embed(graph_def: Any, captured: dict[str, Any]) -> None:
    """Store captured statistics of Normalization layers, which freezing leaves as inputs."""
    for node in graph_def.node:
        value = captured.get(f"{node.name}:0")
        if value is not None and node.op == "Placeholder":
            dtype = node.attr["dtype"].type
            node.op = "Const"
            node.attr.clear()
            node.attr["dtype"].type = dtype
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def _keep_standard_opset(proto: onnx.ModelProto) -> None:
    """Drop the declarations of operator sets that the converter may use and did not."""
    standard_opsets = [entry for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    del proto.opset_import[:]
    proto.opset_import.extend(standard_opsets)
