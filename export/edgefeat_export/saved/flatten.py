"""Flattens a Keras model: models inside it are opened, and its image inputs get a fixed size.

Every layer of the result can be found by its name, and every tensor belongs to one graph. So a
network can be cut anywhere, however it was put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
from keras.src.models.functional import Functional

from edgefeat_export.errors import BackboneError

__all__ = ["flatten", "is_graph", "replay"]

_OTHER_FLOATS: Final = ("bfloat16", "float16", "float64")


def flatten(
    model: keras.Model, input_shapes: Sequence[tuple[int | None, ...]], name: str
) -> keras.Model:
    """Return a functional model of the same layers, on new inputs.

    Args:
        model: Functional or Sequential. The result has the same layers, not copies. Layers that
            compute in half precision are set to float32. If two layers have one name, the name of
            the model around it is put in front of the second. The name of a model inside stands
            for what that model gives.
        input_shapes: The shape of each input, without the batch axis, such as (height, width,
            channels).
        name: Name to give the returned model.

    Raises:
        BackboneError: The layers do not take inputs of these shapes, or compute with the channels
            in front.
    """
    inputs = [
        keras.Input(shape, name=_input_name(tensor, len(input_shapes)), dtype=tensor.dtype)
        for tensor, shape in zip(model.inputs, input_shapes, strict=True)
    ]
    replay = _Replay(name)
    try:
        outputs = replay.expand(model, inputs, within="")
    except (ValueError, TypeError) as error:
        shapes = " and ".join("x".join(map(str, shape)) for shape in input_shapes)
        raise BackboneError(
            f"its layers do not take an input of {shapes}: {error}",
            where=name,
            remedy="Give the size it was trained at with {option}.",
            option="size_hw",
        ) from error
    single = inputs[0] if len(inputs) == 1 else inputs
    return keras.Model(single, outputs, name=name)


def replay(model: Any, inputs: Sequence[Any], name: str) -> Any:
    """Return what a model gives for new inputs; its layers are called again, models in it opened.

    Args:
        model: Functional or Sequential.
        inputs: A symbolic tensor for each of its inputs, in order.
        name: What messages call it.

    Raises:
        ValueError: Two layers have one name, or do not take such inputs.
    """
    return _Replay(name).expand(model, inputs, within="")


def is_graph(layer: Any) -> bool:
    """Return whether a model is nothing but its layers: Sequential or functional.

    A class with a `call` method of its own does something that its layers do not tell.
    """
    kind = type(layer)
    if isinstance(layer, keras.Sequential):
        return kind.call is keras.Sequential.call and layer.built
    return isinstance(layer, Functional) and kind.call is Functional.call


class _Replay:
    """Calls the layers of a model again, one after another, on new tensors."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._owner: dict[str, Any] = {}

    def expand(self, model: Any, inputs: Any, within: str) -> Any:
        """Return what a model gives for inputs; `within` begins the names of clashing layers."""
        if isinstance(model, keras.Sequential):
            (tensor,) = keras.tree.flatten(inputs)
            for layer in model.layers:
                tensor = self._call(layer, (tensor,), {}, within)
            return tensor

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return self._call(layer, args, kwargs, within)

        # What `keras.models.clone_model` runs; the public one would cut nested models off again.
        return model._run_through_graph(inputs, operation_fn=lambda layer: layer, call_fn=call)

    def _call(self, layer: Any, args: Any, kwargs: Any, within: str) -> Any:
        if is_graph(layer):
            return self._named(layer, self._inside(layer, args[0], within))
        _require_channels_last(layer, self._name)
        if self._owner.setdefault(layer.name, layer) is not layer:
            layer.name = f"{within}{layer.name}"
            if self._owner.setdefault(layer.name, layer) is not layer:
                raise ValueError(f"two different layers are called {layer.name!r}")
        if isinstance(layer, keras.Layer) and layer.compute_dtype in _OTHER_FLOATS:
            layer.dtype_policy = keras.dtype_policies.DTypePolicy("float32")
        return layer(*args, **kwargs)

    def _inside(self, model: Any, inputs: Any, within: str) -> Any:
        """Return what a model inside gives; its inputs come in its own order, type and shape."""
        if not isinstance(model, keras.Sequential):
            own = model.inputs
            if isinstance(inputs, dict) and not isinstance(model._inputs_struct, dict):
                inputs = [inputs[tensor.name] for tensor in own]
            inputs = [
                _as_taken(given, tensor)
                for given, tensor in zip(keras.tree.flatten(inputs), own, strict=True)
            ]
        return self.expand(model, inputs, f"{within}{model.name}_")

    def _named(self, model: Any, outputs: Any) -> Any:
        """Give what a model inside gives its name, so that one can cut there."""
        if not isinstance(outputs, keras.KerasTensor):
            return outputs
        known = self._owner.setdefault(model.name, model)
        if known is model:
            known = self._owner[model.name] = keras.layers.Identity(name=model.name)
        is_end = isinstance(known, keras.layers.Identity)
        return known(outputs) if is_end else outputs


def _as_taken(given: Any, own: Any) -> Any:
    """Return an input as a model inside takes it: Keras changes types, and axes of 1 at the end."""
    if given.dtype != own.dtype:
        given = keras.ops.cast(given, own.dtype)
    if len(given.shape) == len(own.shape) + 1:
        return keras.ops.squeeze(given, axis=-1)
    if len(given.shape) == len(own.shape) - 1:
        return keras.ops.expand_dims(given, axis=-1)
    return given


def _input_name(tensor: Any, count: int) -> str:
    return "image" if count == 1 else str(tensor.name)


def _require_channels_last(layer: Any, name: str) -> None:
    if getattr(layer, "data_format", None) == "channels_first":
        raise BackboneError(
            f"layer {layer.name!r} computes with the channels in front (channels_first), which"
            " TensorFlow cannot do on a CPU",
            where=name,
            remedy="Build the model again with data_format='channels_last' and copy the weights,"
            " layer by layer: kernels have the same shape in both.",
        )
