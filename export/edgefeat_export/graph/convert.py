"""Translates Keras to ONNX through tf2onnx. No other file knows tf2onnx.

tf2onnx's own optimisers are left out on purpose. They catch their own failures and carry on: on
MobileNetV3 one crashes and leaves a hundred Transposes. They also cost most of the time. Its
translation alone is dependable, and `graph.pipeline.clean` does the rest, always in the same way.

The weights take no part in it. They are traced as arguments, and put in when the graph is ONNX
(`graph.interface`). Frozen into TensorFlow's graph they would be copied some twenty times.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
from tf2onnx import tf_loader, tfonnx

from edgefeat.errors import OptionError
from edgefeat_export import border
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph import standard
from edgefeat_export.graph.interface import INPUT_NAME, WEIGHT_PREFIX, name_interface

__all__ = ["to_onnx", "translate"]

_CUT_BEFORE = "Cut the model before the layer, or replace it."
_XLA_MARK = "_XlaMustCompile"
_OPSETS = range(13, 18)
_BOOL = onnx.TensorProto.BOOL


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
    proto = translate(function, opset, model.name)
    name_interface(proto, function, model, output_names)
    _keep_standard_opset(proto)
    standard.require_standard(proto, where=f"model {model.name!r}", opset=opset)
    return proto


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
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with border.explained(
            "expected tf2onnx to translate every operator, got",
            where=f"model {model_name!r}",
            remedy=_CUT_BEFORE,
            error=ConversionError,
        ):
            translated = tfonnx.process_tf_graph(
                graph,
                opset=opset,
                input_names=inputs,
                output_names=outputs,
                continue_on_error=False,
                custom_op_handlers={
                    "Erfc": (_erfc, []),
                    "Expm1": (_expm1, []),
                    "Log1p": (_log1p, []),
                },
            )
    model: onnx.ModelProto = translated.make_model("features")
    return model


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


def _erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate erfc(x) as 1 - erf(x). The exact GELU of ConvNeXt is made of it."""
    shapes, dtypes = node.output_shapes, node.output_dtypes
    source, output = node.input[0], node.output[0]
    ctx.remove_node(name)
    erf = ctx.make_node("Erf", [source], shapes=shapes, dtypes=dtypes)
    one = ctx.make_const(name + "_one", np.ones((), np.float32))
    ctx.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        outputs=[output],
        name=name,
        shapes=shapes,
        dtypes=dtypes,
    )


def _log1p(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate log(1 + x). The plain form loses what is small: 1 + x is rounded.

    With u = 1 + x as it is rounded, log(u) * x / (u - 1) takes the rounding back (Kahan); where u
    is 1 it is x, and where u is not finite it is log(u).
    """
    write = _writer(ctx, node, name)
    one, zero = np.float32(1), np.float32(0)
    x = node.input[0]
    ctx.remove_node(name)
    u = write("Add", x, one)
    lost = write("Sub", u, one)
    log = write("Log", u)
    none = write("Equal", lost, zero, dtype=_BOOL)
    exact = write("Mul", log, write("Div", x, write("Where", none, one, lost)))
    infinite = write("IsInf", u, dtype=_BOOL)
    write("Where", none, x, write("Where", infinite, log, exact), last=True)


def _expm1(ctx: Any, node: Any, name: str, args: Any) -> None:
    """Translate exp(x) - 1 as tanh(x / 2) * (exp(x) + 1), which loses nothing of a small x."""
    write = _writer(ctx, node, name)
    one, half = np.float32(1), np.float32(0.5)
    x = node.input[0]
    ctx.remove_node(name)
    exp = write("Exp", x)
    small = write("Mul", write("Tanh", write("Mul", x, half)), write("Add", exp, one))
    near = write("Less", write("Abs", x), one, dtype=_BOOL)
    write("Where", near, small, write("Sub", exp, one), last=True)


def _writer(ctx: Any, node: Any, name: str) -> Any:
    """Return what adds a node in the place of a TensorFlow operator, and gives its output."""
    shapes, dtypes, output = node.output_shapes, node.output_dtypes, node.output[0]
    count = itertools.count()

    def write(op: str, *inputs: Any, dtype: int | None = None, last: bool = False) -> str:
        given = [
            value
            if isinstance(value, str)
            else ctx.make_const(f"{name}_number{next(count)}", np.asarray(value)).output[0]
            for value in inputs
        ]
        made = ctx.make_node(
            op,
            given,
            outputs=[output] if last else None,
            name=name if last else f"{name}_step{next(count)}",
            shapes=shapes,
            dtypes=dtypes if dtype is None else [dtype],
        )
        result: str = made.output[0]
        return result

    return write


def _keep_standard_opset(proto: onnx.ModelProto) -> None:
    """Drop the declarations of operator sets that the converter may use and did not."""
    standard_opsets = [entry for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    del proto.opset_import[:]
    proto.opset_import.extend(standard_opsets)
