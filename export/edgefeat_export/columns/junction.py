"""A network of a picture and columns, taken apart where they come together.

    picture ─► its own layers ─► joints ┐
                                        ├─► the rest ─► features
    columns ────────────────────────────┘

The picture's part is exported as any network for pictures; the rest as any network for columns, of
which the joints are columns of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import keras
import onnx
from onnx import compose, version_converter

from edgefeat_export.columns.stages import calls_of
from edgefeat_export.cut.headless import Headless
from edgefeat_export.saved.picture_input import is_picture

__all__ = ["NetworkParts", "joined", "picture_of", "take_apart"]

_PREFIX: Final = "rest/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkParts:
    """The two parts of a network.

    Attributes:
        picture: From the picture to the joints.
        rest: From joints and columns to the outputs.
        joints: Names of the rest's inputs that the picture's part gives, in order.
        mixed: Whether every output hangs on more than the picture.
    """

    picture: keras.Model
    rest: keras.Model
    joints: tuple[str, ...]
    mixed: bool


def picture_of(model: keras.Model) -> int:
    """Return the position of the one picture among a model's inputs."""
    return next(n for n, tensor in enumerate(model.inputs) if is_picture(tensor.shape))


def take_apart(body: Headless) -> NetworkParts:
    """Return the parts of a cut network that takes one picture and columns.

    Args:
        body: The flat network and its outputs.
    """
    model = body.model
    picture = model.inputs[picture_of(model)]
    own = {id(picture)} | {id(t) for t in _of_one(model, {id(picture)})}
    joints = list(_joints(model, own))
    names = tuple(f"picture_{number}" for number in range(len(joints)))
    now: dict[int, Any] = {
        id(tensor): keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for tensor, name in zip(joints, names, strict=True)
    }
    for tensor in model.inputs:
        if tensor is not picture:
            name = tensor._keras_history.operation.name
            now[id(tensor)] = keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
    inputs = list(now.values())
    for call in calls_of(model):
        if all(id(tensor) in now for tensor in call.input_tensors):
            args, kwargs = call.arguments.fill_in(now)
            made = keras.tree.flatten(call.operation(*args, **kwargs))
            now |= {id(old): new for old, new in zip(call.outputs, made, strict=True)}
    return NetworkParts(
        picture=keras.Model(picture, joints, name=model.name),
        rest=keras.Model(inputs, [now[id(tensor)] for tensor in model.outputs], name=model.name),
        joints=names,
        mixed=not any(id(tensor) in own for tensor in model.outputs),
    )


def joined(
    picture: onnx.ModelProto, rest: onnx.ModelProto, joints: tuple[str, ...]
) -> onnx.ModelProto:
    """Return one graph of both parts: the picture first, then the columns.

    Args:
        picture: The picture's part, whose outputs are named as the joints.
        rest: The rest.
        joints: Names of what passes from one to the other.
    """
    front = version_converter.convert_version(picture, _opset_of(rest))
    back = compose.add_prefix(rest, _PREFIX, rename_inputs=False, rename_outputs=False)
    for one in (front, back):
        del one.opset_import[:]
        one.opset_import.extend(rest.opset_import)
        one.ir_version = rest.ir_version
    ends = [*rest.graph.input, *rest.graph.output]
    given = {f"{_PREFIX}{one.name}": one.name for one in ends if one.name not in joints}
    for value in (*back.graph.input, *back.graph.output):  # onnx 1.17 renames these too
        value.name = given.get(value.name, _inside(value.name, joints))
    for node in back.graph.node:
        node.input[:] = [given.get(name, _inside(name, joints)) for name in node.input]
        node.output[:] = [given.get(name, name) for name in node.output]
    pairs = [(name, _inside(name, joints)) for name in joints]
    # Not by `outputs=...`, for which onnx 1.17 infers shapes and knows no domain but its own.
    merged = compose.merge_models(front, back, io_map=pairs)
    del merged.graph.output[:]
    merged.graph.output.extend(back.graph.output)
    return merged


def _inside(name: str, joints: tuple[str, ...]) -> str:
    return f"{_PREFIX}{name}" if name in joints else name


def _opset_of(model: onnx.ModelProto) -> int:
    return int(next(one.version for one in model.opset_import if one.domain == ""))


def _of_one(model: keras.Model, known: set[int]) -> Iterator[Any]:
    """Yield the tensors that hang on known ones alone."""
    for call in calls_of(model):
        if call.input_tensors and all(id(tensor) in known for tensor in call.input_tensors):
            known |= {id(tensor) for tensor in call.outputs}
            yield from call.outputs


def _joints(model: keras.Model, own: set[int]) -> Iterator[Any]:
    """Yield each tensor of the picture's part that is read outside of it, or given as an output."""
    read = [
        tensor
        for call in calls_of(model)
        if not all(id(tensor) in own for tensor in call.input_tensors)
        for tensor in call.input_tensors
    ]
    seen: set[int] = set()
    for tensor in (*read, *model.outputs):
        if id(tensor) in own and id(tensor) not in seen:
            seen.add(id(tensor))
            yield tensor
