"""Narrows a model of several inputs to what hangs on one picture alone.

A model of a photo and a table, or of two photos to compare, has layers that look at one photo only.
Features can be taken there. What mixes inputs is left out, and so is the rest of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.picture_input import is_picture

__all__ = ["of_one_picture"]


def of_one_picture(model: keras.Model, layers: Sequence[str], path: Path) -> keras.Model:
    """Return the part of a flat model that hangs on one picture input; the whole if it has one.

    Args:
        model: Flat and functional, with a picture among its inputs.
        layers: Layers that it will be cut at; they say which picture is meant where there are
            several. Two towers of the same layers are one.
        path: The model file, for messages.

    Returns:
        A model of one input. Its outputs are the last tensors that hang on that picture alone.

    Raises:
        BackboneError: Nothing hangs on one picture alone, or a layer that was named does not.
    """
    if len(model.inputs) == 1:
        return model
    origins = _origins(model)
    pictures = [i for i, tensor in enumerate(model.inputs) if is_picture(tensor.shape)]
    found = [_part(model, position, origins) for position in pictures]
    parts: list[Any] = [part for part in found if part is not None]
    known = [{layer.name for layer in part.layers} for part in parts]
    for part, names in zip(parts, known, strict=True):
        if names.issuperset(layers):
            return part
    mixed = sorted(set(layers) & {layer.name for layer in model.layers})
    inputs = ", ".join(str(tensor.name) for tensor in model.inputs)
    if mixed and not any(names.issuperset(mixed) for names in known):
        raise BackboneError(
            f"layer {mixed[0]!r} hangs on more than one input ({inputs}), or on none that is a"
            " picture",
            where=path,
            remedy=f"Cut at a layer that looks at one picture alone: {', '.join(_ends(parts))}.",
        )
    if not parts:
        raise BackboneError(
            f"no layer looks at one picture alone; its inputs are {inputs}",
            where=path,
            remedy="Only features of one picture can be exported.",
        )
    return parts[0]


def _origins(model: keras.Model) -> dict[int, frozenset[int]]:
    """Return the positions of the inputs that each tensor hangs on, by the tensor's id."""
    origins = {id(t): frozenset([position]) for position, t in enumerate(model.inputs)}
    for node in _nodes(model):
        before = [origins.get(id(t), frozenset()) for t in node.input_tensors]
        together = frozenset[int]().union(*before)
        for tensor in node.outputs:
            origins.setdefault(id(tensor), together)
    return origins


def _nodes(model: Any) -> Iterator[Any]:
    """Yield the calls of a functional model's layers, each after those that it needs."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _part(
    model: keras.Model, position: int, origins: dict[int, frozenset[int]]
) -> keras.Model | None:
    """Return what hangs on one input alone; None where nothing does."""
    alone, ends = frozenset([position]), dict[int, Any]()
    for node in _nodes(model):
        if node.outputs and all(origins.get(id(t)) == alone for t in node.outputs):
            continue
        ends |= {id(t): t for t in node.input_tensors if origins.get(id(t)) == alone}
    ends |= {id(t): t for t in model.outputs if origins.get(id(t)) == alone}
    image = model.inputs[position]
    ends.pop(id(image), None)
    return keras.Model(image, list(ends.values()), name=model.name) if ends else None


def _ends(parts: Sequence[keras.Model]) -> list[str]:
    names = [str(t._keras_history.operation.name) for part in parts for t in part.outputs]
    return list(dict.fromkeys(names))
