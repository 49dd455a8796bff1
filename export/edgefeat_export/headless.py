"""Cuts a network where the user says and pools what is left there: a headless model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edgefeat.spec import PRIMARY_OUTPUT, OutputKind, OutputSpec
from edgefeat_export.errors import BackboneError

if TYPE_CHECKING:
    import keras

__all__ = ["Headless", "Pooling", "Tap", "cut"]


class Pooling(StrEnum):
    """How a feature map (H, W, C) becomes a vector (C,): mean, maximum, or not at all."""

    AVG = "avg"
    MAX = "max"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One place where features leave the network. `layer` None is the network's own output."""

    layer: str | None = None
    pooling: Pooling = Pooling.AVG


@dataclass(frozen=True, slots=True, kw_only=True)
class Headless:
    """A Keras model whose outputs are features, and what the model file says of each.

    `model` has one output per entry of `outputs`, in that order.
    """

    model: keras.Model
    outputs: tuple[OutputSpec, ...]


def cut(model: keras.Model, taps: Sequence[Tap]) -> Headless:
    """Cut a functional model at the taps.

    Args:
        model: One image input.
        taps: The first becomes the primary output `features`; others are named after their layer.

    Raises:
        BackboneError: No such layer, or a tensor that is neither a map nor a vector.
    """
    import keras

    if len(model.inputs) != 1:
        raise BackboneError(f"{model.name}: expected one image input, got {len(model.inputs)}.")
    if not taps:
        raise ValueError("taps: expected at least one")
    tensors, specs = [], []
    for index, tap in enumerate(taps):
        tensor, layer = _tensor_at(model, tap.layer)
        pooled = _pool(tensor, tap.pooling, layer)
        name = PRIMARY_OUTPUT if index == 0 else re.sub(r"\W", "_", layer)
        tensors.append(pooled)
        specs.append(_describe(name, pooled, layer, tap.pooling if pooled is not tensor else None))
    headless = keras.Model(model.inputs[0], tensors, name=model.name)
    return Headless(model=headless, outputs=tuple(specs))


def _tensor_at(model: keras.Model, layer: str | None) -> tuple[keras.KerasTensor, str]:
    if layer is None:
        if len(model.outputs) != 1:
            raise BackboneError(
                f"{model.name}: expected one output, got {len(model.outputs)}. "
                "Name the layer to cut at."
            )
        tensor = model.outputs[0]
        return tensor, str(tensor._keras_history.operation.name)
    names = [candidate.name for candidate in model.layers]
    if layer not in names:
        import difflib

        near = difflib.get_close_matches(layer, names, n=3) or names[-3:]
        raise BackboneError(
            f"{model.name}: no layer is called {layer!r}. Did you mean {', '.join(near)}?"
        )
    return model.get_layer(layer).output, layer


def _pool(tensor: keras.KerasTensor, pooling: Pooling, layer: str) -> keras.KerasTensor:
    import keras

    if len(tensor.shape) == 2:
        return tensor
    if len(tensor.shape) != 4:
        raise BackboneError(
            f"layer {layer!r}: expected a map (N, H, W, C) or a vector (N, D), "
            f"got shape {tuple(tensor.shape)}. Cut at another layer."
        )
    if pooling is Pooling.AVG:
        return keras.layers.GlobalAveragePooling2D()(tensor)
    if pooling is Pooling.MAX:
        return keras.layers.GlobalMaxPooling2D()(tensor)
    return tensor


def _describe(
    name: str, tensor: keras.KerasTensor, layer: str, pooling: Pooling | None
) -> OutputSpec:
    shape = tuple(tensor.shape[1:])
    if None in shape:
        raise BackboneError(
            f"layer {layer!r}: expected a fixed shape, got {shape}. Give the input size."
        )
    return OutputSpec(
        name=name,
        kind=OutputKind.VECTOR if len(shape) == 1 else OutputKind.MAP,
        shape=tuple(int(side) for side in shape),
        source_layer=layer,
        pooling=pooling.value if pooling else None,
    )
