"""Keras to ONNX through tf2onnx: the only file that knows it.

tf2onnx's own optimisers are left out on purpose. They catch their own failures and carry on (on
MobileNetV3 one crashes and leaves a hundred Transposes), and they cost most of the time. Its
translation alone is dependable; `graph.pipeline.clean` does the rest, deterministically.

The weights take no part in it. They are traced as arguments and put in when the graph is ONNX:
frozen into TensorFlow's graph they would be copied some twenty times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
from onnx import TensorProto, checker, defs, helper, numpy_helper
from tf2onnx import tf_loader, tfonnx

from edgefeat_export.errors import ConversionError

__all__ = ["INPUT_NAME", "OPSET", "to_onnx"]

INPUT_NAME = "image"
_WEIGHT = "weight"
_XLA_MARK = "_XlaMustCompile"
OPSET = 17
"""HardSwish (14) and per-channel quantisation (13) are in, and ReduceMean still takes its axes as
an attribute (until 18), which every quantiser and the older device runtimes read."""
_OPSETS = range(13, 18)


def to_onnx(
    model: keras.Model, output_names: Sequence[str], *, opset: int = OPSET
) -> onnx.ModelProto:
    """Translate a headless model, checked against what was asked for.

    Args:
        model: one image input (height, width and channels known), one or more outputs.
        output_names: a name for each of the model's outputs, in the model's order.
        opset: version of the default operator set, 13 to 17.

    Returns:
        float32 `image` (batch, height, width, channel) to the named outputs; not yet cleaned.

    Raises:
        ConversionError: an operator has no translation, or the result is not what was asked for.
    """
    if opset not in _OPSETS:
        raise ValueError(f"opset: expected {_OPSETS[0]} to {_OPSETS[-1]}, got {opset}")
    shape = _input_shape(model)
    _check_names(model, output_names)
    function = _trace(model, shape)
    proto = _translate(function, opset)
    _name_interface(proto, function, model, output_names)
    _check(proto, output_names, opset)
    return proto


def _input_shape(model: keras.Model) -> tuple[int, int, int]:
    shapes = [tuple(tensor.shape) for tensor in model.inputs or ()]
    if len(shapes) != 1 or len(shapes[0]) != 4 or None in shapes[0][1:]:
        raise ConversionError(
            "expected one image input (batch, height, width, channels), all but the batch known, "
            f"got {shapes} in model {model.name!r}; build it with input_shape=(height, width, 3)"
        )
    return shapes[0][1:]


def _check_names(model: keras.Model, names: Sequence[str]) -> None:
    if len(names) != len(model.outputs) or len({*names, INPUT_NAME}) != len(names) + 1:
        raise ConversionError(
            f"expected {len(model.outputs)} different output names (none of them {INPUT_NAME!r}), "
            f"got {list(names)} for model {model.name!r}; name each output once"
        )


def _trace(model: keras.Model, shape: tuple[int, int, int]) -> Any:
    """One TensorFlow function of a picture batch and every weight, for any class of Keras model."""
    trained, others = model.trainable_variables, model.non_trainable_variables
    signature = [tf.TensorSpec((None, *shape), tf.float32, name=INPUT_NAME)]
    for index, variable in enumerate((*trained, *others)):
        spec = tf.TensorSpec(variable.shape, variable.dtype, name=f"{_WEIGHT}{index}")
        signature.append(spec)
    plain = isinstance(model, keras.Sequential)  # takes a tensor; others name or list their inputs

    def run(image: Any, *weights: Any) -> list[Any]:
        picture = image if plain else tf.nest.pack_sequence_as(model.input, [image])
        values = weights[: len(trained)], weights[len(trained) :]
        outputs, _ = model.stateless_call(*values, picture, training=False)
        return [tf.identity(output) for output in tf.nest.flatten(outputs)]

    return tf.function(run, input_signature=signature, autograph=False).get_concrete_function()


def _translate(function: Any, opset: int) -> onnx.ModelProto:
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
        try:
            translated = tfonnx.process_tf_graph(
                graph,
                opset=opset,
                input_names=inputs,
                output_names=outputs,
                continue_on_error=False,
                custom_op_handlers={"Erfc": (_erfc, [])},
            )
        except (ValueError, KeyError, NotImplementedError) as error:
            raise ConversionError(
                f"expected tf2onnx to translate every operator, got {error} in function "
                f"{function.name!r}; cut the model before the layer, or replace it"
            ) from error
    model: onnx.ModelProto = translated.make_model("features")
    return model


def _inline_compiled(graph_def: Any, inputs: list[str], outputs: list[str]) -> Any:
    """Grouped convolutions hide in functions marked for XLA; unmarked, grappler inlines them."""
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
    """Normalisation layers capture their statistics, which freezing leaves as inputs."""
    for node in graph_def.node:
        value = captured.get(f"{node.name}:0")
        if value is not None and node.op == "Placeholder":
            dtype = node.attr["dtype"].type
            node.op = "Const"
            node.attr.clear()
            node.attr["dtype"].type = dtype
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def _erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    """erfc(x) = 1 - erf(x): what the exact GELU of ConvNeXt is made of."""
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


def _name_interface(
    proto: onnx.ModelProto, function: Any, model: keras.Model, names: Sequence[str]
) -> None:
    """Bind the asked names, types and axes to the traced tensors, and the weights' values."""
    graph = proto.graph
    raw_input = function.inputs[0].name
    raw_outputs = [tensor.name for tensor in function.outputs]
    weights = {tensor.name: tensor for tensor in function.inputs[1:]}
    found = {v.name for v in graph.input} - set(weights), {v.name for v in graph.output}
    if found != ({raw_input}, set(raw_outputs)):
        raise ConversionError(
            f"expected input {raw_input!r} and outputs {raw_outputs}, got {found} from the "
            f"converter for model {model.name!r}; a layer keeps state outside its weights"
        )
    for node in graph.node:  # out of the way, whatever the converter called its own tensors
        node.input[:] = [_apart(name, raw_input) for name in node.input]
        node.output[:] = [_apart(name, raw_input) for name in node.output]
    for tensor in graph.initializer:
        tensor.name = _apart(tensor.name, raw_input)
    for raw, name in zip(raw_outputs, names, strict=True):
        graph.node.append(helper.make_node("Identity", [_apart(raw, raw_input)], [name]))
    _put_weights(graph, model, raw_input)
    del graph.input[:], graph.output[:], graph.value_info[:]
    for name, shape in ((INPUT_NAME, model.inputs[0].shape), *_output_shapes(model, names)):
        dims: list[str | int | None] = ["batch", *shape[1:]]
        graph_side = graph.input if name == INPUT_NAME else graph.output
        graph_side.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))
    graph.name = model.name


def _apart(name: str, raw_input: str) -> str:
    """The converter's tensor name, marked so that no asked name can meet it."""
    if name == raw_input:
        return INPUT_NAME
    return f"tf/{name}" if name else ""


def _put_weights(graph: onnx.GraphProto, model: keras.Model, raw_input: str) -> None:
    """Turn the inputs that stand for weights, and are used, into initialisers."""
    used = {name for node in graph.node for name in node.input}
    variables = (*model.trainable_variables, *model.non_trainable_variables)
    for index, variable in enumerate(variables):
        name = _apart(f"{_WEIGHT}{index}:0", raw_input)
        if name in used:
            graph.initializer.append(numpy_helper.from_array(variable.numpy(), name))


def _output_shapes(
    model: keras.Model, names: Sequence[str]
) -> list[tuple[str, tuple[int | None, ...]]]:
    shapes = [tuple(tensor.shape) for tensor in model.outputs]
    return list(zip(names, shapes, strict=True))


def _check(proto: onnx.ModelProto, names: Sequence[str], opset: int) -> None:
    """What a converter promises, verified: operators, opset, weights inside, types and shapes."""
    schemas = {s.name for s in defs.get_all_schemas_with_history() if s.domain == ""}
    foreign = sorted({n.op_type for n in proto.graph.node if n.domain or n.op_type not in schemas})
    if foreign:
        where = sorted({n.name for n in proto.graph.node if n.op_type in foreign})[:3]
        raise ConversionError(
            f"expected ONNX operators only, got TensorFlow's {foreign} at {where}; "
            "cut the model before them, or replace the layers they come from"
        )
    kept = [o for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if [o.version for o in kept] != [opset]:
        raise ConversionError(f"expected opset {opset}, got {[o.version for o in kept]}")
    outside = [t.name for t in proto.graph.initializer if t.external_data]
    if outside:
        raise ConversionError(f"expected all weights inside the model, got {outside[:3]} outside")
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    try:
        checker.check_model(proto, full_check=True)
    except (checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"expected a valid ONNX graph with outputs {list(names)}, got: {error}"
        ) from error
