"""Cuts a network where the user says and pools what is left there: a headless model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edgefeat.model.spec import PRIMARY_OUTPUT, OutputKind, OutputSpec
from edgefeat_export.errors import BackboneError

if TYPE_CHECKING:
    import keras

__all__ = ["GEM_POWER", "Headless", "Pooling", "Tap", "cut"]

GEM_POWER = 3
"""The exponent that Radenović et al. (2018) settle on, and every retrieval system since."""
_GEM_FLOOR = 1e-6


class Pooling(StrEnum):
    """How a feature map (H, W, C) becomes a vector (C,).

    Mean, maximum, generalised mean (cube root of the mean cube: between the two), or not at all.
    """

    AVG = "avg"
    MAX = "max"
    GEM = "gem"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One place where features leave the network.

    `layer` None is the end of the headless network. `pooling` None averages maps, leaves vectors.
    """

    layer: str | None = None
    pooling: Pooling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Headless:
    """A Keras model whose outputs are features, and what the model file says of each.

    `model` has one output per entry of `outputs`, in that order.
    """

    model: keras.Model
    outputs: tuple[OutputSpec, ...]


def cut(model: keras.Model, taps: Sequence[Tap], *, end: str) -> Headless:
    """Cut a functional model at the taps.

    Args:
        model: One image input.
        taps: The first becomes the primary output `features`; others are named after their layer.
        end: The layer that a tap without one means.

    Raises:
        BackboneError: No such layer, or a tensor that is neither a map nor a vector.
    """
    import keras

    from edgefeat_export.cut.head import tensors_by_layer

    if not taps:
        raise ValueError("taps: expected at least one")
    known = tensors_by_layer(model)
    tensors: list[keras.KerasTensor] = []
    specs: list[OutputSpec] = []
    for tap in taps:
        layer = end if tap.layer is None else tap.layer
        if layer not in known:
            near = difflib.get_close_matches(layer, known, n=3) or list(known)[:3]
            raise BackboneError(
                f"{model.name}: no layer is called {layer!r}. Did you mean {', '.join(near)}? "
                "--summary shows all."
            )
        tensor = known[layer]
        pooling = _pooling_for(tensor, tap.pooling, layer)
        pooled = _pool(tensor, pooling)
        name = _output_name(layer, [spec.name for spec in specs])
        tensors.append(pooled)
        specs.append(_describe(name, pooled, layer, pooling))
    headless = keras.Model(model.inputs[0], tensors, name=model.name)
    return Headless(model=headless, outputs=tuple(specs))


def _output_name(layer: str, taken: list[str]) -> str:
    if not taken:
        return PRIMARY_OUTPUT
    name = plain = re.sub(r"\W", "_", layer)
    for number in range(2, 100):
        if name not in taken:
            break
        name = f"{plain}_{number}"  # one layer, pooled in two ways
    return name


def _pooling_for(tensor: keras.KerasTensor, asked: Pooling | None, layer: str) -> Pooling | None:
    """The pooling that will be done; None where there is nothing to pool."""
    shape = tuple(tensor.shape)
    if len(shape) == 2:
        if asked in (None, Pooling.NONE):
            return None
        raise BackboneError(
            f"layer {layer!r}: its output is a vector of {shape[1]} already, got pooling {asked}. "
            "Leave the pooling out, or cut at the map before it."
        )
    if len(shape) != 4:
        raise BackboneError(
            f"layer {layer!r}: expected a map (N, H, W, C) or a vector (N, D), "
            f"got shape {shape}. Cut at another layer."
        )
    pooling = asked or Pooling.AVG
    return None if pooling is Pooling.NONE else pooling


def _pool(tensor: keras.KerasTensor, pooling: Pooling | None) -> keras.KerasTensor:
    import keras

    if pooling is Pooling.AVG:
        return keras.layers.GlobalAveragePooling2D()(tensor)
    if pooling is Pooling.MAX:
        return keras.layers.GlobalMaxPooling2D()(tensor)
    if pooling is Pooling.GEM:
        positive = keras.ops.maximum(tensor, _GEM_FLOOR)
        mean = keras.layers.GlobalAveragePooling2D()(positive * positive * positive)
        return keras.ops.power(mean, 1 / GEM_POWER)
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
