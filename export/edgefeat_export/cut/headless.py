"""Cuts a network where the user says and pools what is left there: a headless model."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any

from edgefeat.errors import OptionError
from edgefeat.model.spec import PRIMARY_OUTPUT, OutputKind, OutputSpec
from edgefeat_export.errors import BackboneError

if TYPE_CHECKING:
    import keras

__all__ = [
    "Headless",
    "Pooling",
    "Tap",
    "cut",
    "layers_of",
    "output_name",
    "taps_at",
    "tensor_of",
    "tensors_by_layer",
]


class Pooling(StrEnum):
    """How a feature map (H, W, C), or tokens (T, C), become a vector (C,).

    Mean, maximum, generalised mean (cube root of the mean cube: between the two), the first token,
    or not at all.
    """

    AVG = "avg"
    MAX = "max"
    GEM = "gem"
    CLS = "cls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """One place where features leave the network.

    Attributes:
        layer: Name of the layer to cut at; None cuts at the end of the network without its head.
        pooling: How a map becomes a vector; None averages maps and tokens, and leaves vectors as
            they are.
    """

    layer: str | None = None
    pooling: Pooling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Headless:
    """A Keras model whose outputs are features, and what the model file says of each.

    Attributes:
        model: Has one output for each entry of `outputs`, in that order.
        outputs: Name, shape and origin of every output; the first is the primary one.
    """

    model: keras.Model
    outputs: tuple[OutputSpec, ...]


def taps_at(layers: Iterable[str | Tap], pooling: str | None = None) -> tuple[Tap, ...]:
    """Return the taps that layers, written as on the command line, stand for.

    Args:
        layers: Each a layer's name, a name with its pooling such as `block5:gem`, or a `Tap`.
            Empty stands for the end of the network without its head.
        pooling: How to pool at each layer that does not say so itself.

    Raises:
        OptionError: `pooling` is unknown.
    """
    if pooling is not None and pooling not in list(Pooling):
        expected = ", ".join(Pooling)
        raise OptionError(f"expected one of {expected}, got {pooling!r}", option="pooling")
    default = None if pooling is None else Pooling(pooling)
    return tuple(layer if isinstance(layer, Tap) else _tap(layer, default) for layer in layers) or (
        Tap(pooling=default),
    )


def layers_of(taps: Iterable[Tap]) -> tuple[str, ...]:
    """Return the names of the layers that taps name."""
    return tuple(tap.layer for tap in taps if tap.layer is not None)


def tensors_by_layer(model: keras.Model) -> dict[str, Any]:
    """Return each layer's first output tensor by the layer's name, last layer first.

    Only layers that lie between the model's input and its outputs are there.
    """
    found: dict[str, Any] = {}
    for tensor in _upstream(list(model.outputs)):
        found.setdefault(str(tensor._keras_history.operation.name), tensor)
    return found


def cut(model: keras.Model, taps: Sequence[Tap], *, end: str | None = None) -> Headless:
    """Cut a functional model at the taps.

    Args:
        model: Has one image input.
        taps: The first becomes the primary output `features`; each other output takes the name of
            its layer.
        end: The layer that a tap without a layer means; needed if there is such a tap.

    Raises:
        BackboneError: No such layer, or a tensor that is neither a map nor a vector.
    """
    import keras

    if not taps:
        raise ValueError("taps: expected at least one")
    known = tensors_by_layer(model)
    taken = {operation.name for operation in model.operations}
    tensors: list[keras.KerasTensor] = []
    specs: list[OutputSpec] = []
    for tap in taps:
        layer = end if tap.layer is None else tap.layer
        if layer is None:
            raise ValueError("end: expected a layer for the tap that names none, got None")
        tensor = tensor_of(layer, known, model.name)
        pooling = _pooling_for(tensor, tap.pooling, layer)
        free = next(one for n in count(1) if (one := f"pooled_{n}") not in taken)
        taken.add(free)
        pooled = _pool(tensor, pooling, free)
        name = output_name(layer, [spec.name for spec in specs])
        tensors.append(pooled)
        specs.append(_describe(name, pooled, layer, pooling))
    headless = keras.Model(model.inputs[0], tensors, name=model.name)
    return Headless(model=headless, outputs=tuple(specs))


def _upstream(tensors: list[Any]) -> Iterator[Any]:
    seen: set[int] = set()
    while tensors:
        tensor = tensors.pop(0)
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        yield tensor
        operation, node, _ = tensor._keras_history
        tensors.extend(operation._inbound_nodes[node].input_tensors)


def _tap(text: str, default: Pooling | None) -> Tap:
    name, _, pooling = text.rpartition(":")
    if name and pooling in list(Pooling):
        return Tap(layer=name, pooling=Pooling(pooling))
    return Tap(layer=text, pooling=default)  # Keras allows a colon in a layer's name


def tensor_of(layer: str, known: dict[str, Any], model_name: str) -> Any:
    """Return the tensor of a layer.

    Args:
        layer: The layer's name.
        known: The tensors by their layers' names.
        model_name: What messages call the model.

    Raises:
        BackboneError: No layer has this name; similar ones are named.
    """
    if layer not in known:
        near = difflib.get_close_matches(layer, known, n=3) or list(known)[:3]
        raise BackboneError(
            f"no layer is called {layer!r}",
            where=model_name,
            remedy=f"Did you mean {', '.join(near)}? `edgefeat-export build MODEL --summary` shows"
            " all layers.",
        )
    return known[layer]


def output_name(layer: str, outputs: list[str], *, besides: Sequence[str] = ()) -> str:
    """Return the name of the next output: `features` for the first, else that of its layer.

    Args:
        layer: The layer's name.
        outputs: The outputs that have names already.
        besides: Other names that are taken, such as those of inputs.
    """
    if not outputs:
        return PRIMARY_OUTPUT
    plain, taken = re.sub(r"\W", "_", layer), {*outputs, *besides}
    if plain not in taken:
        return plain
    # One layer may be pooled in several ways.
    return next(name for number in count(2) if (name := f"{plain}_{number}") not in taken)


def _pooling_for(tensor: keras.KerasTensor, asked: Pooling | None, layer: str) -> Pooling | None:
    """Return the pooling that will be done; None where there is nothing to pool."""
    shape = tuple(tensor.shape)
    if len(shape) == 2:
        if asked in (None, Pooling.NONE):
            return None
        raise BackboneError(
            f"its output is a vector of {shape[1]} already, got pooling {asked}",
            where=f"layer {layer!r}",
            remedy="Leave the pooling out, or cut at the map before it.",
        )
    if len(shape) not in (3, 4):
        raise BackboneError(
            f"expected a map (N, H, W, C), tokens (N, T, C) or a vector (N, D), got shape {shape}",
            where=f"layer {layer!r}",
            remedy="Cut at another layer.",
        )
    if asked is Pooling.CLS and len(shape) == 4:
        raise BackboneError(
            f"its output is a map {shape[1:]}, which has no first token, got pooling {asked}",
            where=f"layer {layer!r}",
            remedy="Take avg, max or gem, or cut where it is tokens.",
        )
    pooling = asked or Pooling.AVG
    return None if pooling is Pooling.NONE else pooling


def _pool(tensor: keras.KerasTensor, pooling: Pooling | None, name: str) -> keras.KerasTensor:
    """Return a pooled map; tokens that are kept become a map of one column."""
    from edgefeat_export.cut.pooled import Pooled

    axes = len(tensor.shape)
    if axes == 2 or (axes == 4 and pooling is None):
        return tensor
    return Pooled(str(pooling or Pooling.NONE), name=name)(tensor)


def _describe(
    name: str, tensor: keras.KerasTensor, layer: str, pooling: Pooling | None
) -> OutputSpec:
    shape = tuple(tensor.shape[1:])
    if None in shape:
        raise BackboneError(
            f"expected a fixed shape, got {shape}",
            where=f"layer {layer!r}",
            remedy="Give the size of the input with {option}.",
            option="size_hw",
        )
    return OutputSpec(
        name=name,
        kind=OutputKind.VECTOR if len(shape) == 1 else OutputKind.MAP,
        shape=tuple(int(side) for side in shape),
        source_layer=layer,
        pooling=pooling.value if pooling else None,
    )
