"""Layers that only rearrange values: of strings and whole numbers too, which tf2onnx cannot."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from edgefeat_export.columns.column import Operand
from edgefeat_export.columns.drawing import Drawing
from edgefeat_export.columns.numbers import as_type
from edgefeat_export.columns.refusing import inexact

__all__ = ["GetItem", "write_concatenation", "write_nothing", "write_part", "write_reshape"]


def write_nothing(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a layer that changes nothing when features are made.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: One tensor.
    """
    return inputs[0]


def write_reshape(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a layer that gives the same values in another shape.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: One tensor.

    Raises:
        BackboneError: The shape depends on the batch.
    """
    (x,) = inputs
    shape = tuple(layer.compute_output_spec(_symbol(x)).shape)
    if None in shape[1:]:
        raise inexact(
            layer, f"it gives the open shape {shape[1:]}", "Give the input a fixed length."
        )
    name = drawing.add("Reshape", x.name, drawing.integers(-1, *shape[1:]))
    return Operand(name=name, dtype=x.dtype, shape=shape, column=x.column)


def write_concatenation(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write a Concatenate of tensors of one type, or of numbers that become float32.

    Args:
        drawing: The graph.
        layer: The Keras layer.
        inputs: The tensors in order.
    """
    types = {x.dtype for x in inputs}
    if len(types) > 1:
        inputs = [as_type(drawing, x, "float32") for x in inputs]
    axes = len(inputs[0].shape)
    axis = layer.axis % axes
    name = drawing.add("Concat", *(x.name for x in inputs), axis=axis)
    widths = [x.shape[axis] for x in inputs]
    shape = list(inputs[0].shape)
    shape[axis] = None if None in widths else sum(width or 0 for width in widths)
    parts = [(x.column, prod(side or 1 for side in x.shape[1:])) for x in inputs]
    flat = axes == 2 and axis == 1
    sources = tuple((one, width) for one, width in parts if one is not None) if flat else ()
    return Operand(
        name=name,
        dtype=inputs[0].dtype,
        shape=tuple(shape),
        sources=sources if len(sources) == len(inputs) else (),
    )


@dataclass(frozen=True, slots=True)
class GetItem:
    """What stands between the brackets of `x[...]`, as a layer.

    Attributes:
        name: Name of the operation.
        key: An integer, a slice, an ellipsis, or several of them.
    """

    name: str
    key: Any


def write_part(drawing: Drawing, layer: Any, inputs: list[Operand]) -> Operand:
    """Write `x[:, ...]`: slices and single positions behind the batch axis.

    Args:
        drawing: The graph.
        layer: Has the `key` between the brackets.
        inputs: The tensor.

    Raises:
        BackboneError: The key does more than that, or cuts the batch.
    """
    (x,) = inputs
    key = tuple(layer.key) if isinstance(layer.key, list | tuple) else (layer.key,)
    if Ellipsis in key:
        at = key.index(Ellipsis)
        free = len(x.shape) - len(key) + 1
        key = (*key[:at], *(slice(None),) * free, *key[at + 1 :])
    plain = all(isinstance(part, slice | int) for part in key)
    steps = [part.step for part in key if isinstance(part, slice)]
    if not plain or key[:1] != (slice(None),) or any(step not in (None, 1) for step in steps):
        raise inexact(layer, f"it takes the part {layer.key} of its input", "Take plain slices.")
    name, shape, gone = x.name, list(x.shape), []
    for axis, part in enumerate(key[1:], start=1):
        side = shape[axis] or 0
        start, end, _ = (slice(part, part + 1 or None) if isinstance(part, int) else part).indices(
            side
        )
        bounds = drawing.integers(start), drawing.integers(end), drawing.integers(axis)
        name, shape[axis] = drawing.add("Slice", name, *bounds), end - start
        if isinstance(part, int):
            gone.append(axis)
    if gone:
        name = drawing.add("Squeeze", name, drawing.integers(*gone))
    left = tuple(side for axis, side in enumerate(shape) if axis not in gone)
    return Operand(name=name, dtype=x.dtype, shape=left, column=x.column)


def _symbol(x: Operand) -> Any:
    import keras

    return keras.KerasTensor(x.shape, dtype=x.dtype)
