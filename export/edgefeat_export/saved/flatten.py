"""Flattens a Keras model: models inside it are opened, and its one image input gets a fixed size.

Every layer of the result can be found by its name, and every tensor belongs to one graph. So a
network can be cut anywhere, however it was put together.
"""

from __future__ import annotations

from typing import Any

import keras
from keras.src.models.functional import Functional

from edgefeat_export.errors import BackboneError

__all__ = ["flatten", "is_graph"]


def flatten(model: keras.Model, input_shape: tuple[int, int, int], name: str) -> keras.Model:
    """Return a functional model of the same layers, on a new input.

    Args:
        model: Functional or Sequential, with one image input. The result has the same layers, not
            copies. Layers that compute in half precision are set to float32. If two layers have
            one name, the name of the model around it is put in front of the second.
        input_shape: (height, width, channels).
        name: Name to give the returned model.

    Raises:
        BackboneError: The layers do not take an input of this shape.
    """
    image = keras.Input(input_shape, name="image")
    replay = _Replay()
    try:
        outputs = replay.expand(model, image, within="")
    except (ValueError, TypeError) as error:
        raise BackboneError(
            f"its layers do not take pictures of {input_shape[0]}x{input_shape[1]} with"
            f" {input_shape[2]} channels: {error}",
            where=name,
            remedy="Give the size it was trained at with {option}.",
            option="size_hw",
        ) from error
    return keras.Model(image, outputs, name=name)


class _Replay:
    """Calls the layers of a model again, one after another, on new tensors."""

    def __init__(self) -> None:
        self._owner: dict[str, Any] = {}

    def expand(self, model: Any, tensor: Any, within: str) -> Any:
        """Return what a model gives for a tensor; `within` begins the names of clashing layers."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                tensor = self._call(layer, (tensor,), {}, within)
            return tensor

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            return self._call(layer, args, kwargs, within)

        # What `keras.models.clone_model` runs; the public one would cut nested models off again.
        return model._run_through_graph(tensor, operation_fn=lambda layer: layer, call_fn=call)

    def _call(self, layer: Any, args: Any, kwargs: Any, within: str) -> Any:
        if is_graph(layer):
            return self.expand(layer, args[0], f"{within}{layer.name}_")
        if self._owner.setdefault(layer.name, layer) is not layer:
            layer.name = f"{within}{layer.name}"
            if self._owner.setdefault(layer.name, layer) is not layer:
                raise ValueError(f"two different layers are called {layer.name!r}")
        if isinstance(layer, keras.Layer) and layer.compute_dtype != "float32":
            layer.dtype_policy = keras.dtype_policies.DTypePolicy("float32")
        return layer(*args, **kwargs)


def is_graph(layer: Any) -> bool:
    """Return whether a model is nothing but its layers: Sequential or functional.

    A class with a `call` method of its own does something that its layers do not tell.
    """
    kind = type(layer)
    if isinstance(layer, keras.Sequential):
        return kind.call is keras.Sequential.call and layer.built
    return isinstance(layer, Functional) and kind.call is Functional.call
