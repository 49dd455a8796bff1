"""Runs a Keras network layer by layer, and forgets each tensor after its last reader.

Keras keeps what every layer gave until the whole network has run: 1.9 GB for DenseNet121 and 16
pictures of 224 pixels, whose weights take 28 MB. The same layers run here in the same order, so
the features have the same bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["run"]


def run(model: keras.Model, pictures: Any, *, training: bool = False) -> list[Any]:
    """Return a network's outputs for some pictures, in order.

    Args:
        model: The network, of one input.
        pictures: float32 `(N, height, width, channels)`, as the network takes them.
        training: Whether layers behave as in training.
    """
    import keras
    from keras.src.models.functional import Functional

    if type(model).call is not Functional.call or len(model.inputs) != 1:
        return _flat(model(pictures, training=training))
    walk = [node for node in _nodes(model) if node.operation and not node.is_input]
    waiting = Counter(key for node in walk for key in {id(one) for one in node.input_tensors})
    waiting.update(id(one) for one in model.outputs)
    (entry,) = model.inputs
    known: dict[int, Any] = {id(entry): keras.ops.convert_to_tensor(pictures, dtype=entry.dtype)}
    for node in walk:
        read = {id(one) for one in node.input_tensors}
        if not read <= known.keys():
            continue
        args, kwargs = node.arguments.fill_in(known)
        if _knows_training(node.operation):
            kwargs["training"] = training
        given = _flat(node.operation(*args, **kwargs))
        del args, kwargs
        known |= {id(one): value for one, value in zip(node.outputs, given, strict=True)}
        del given
        waiting.subtract(read)
        for key in (*read, *(id(one) for one in node.outputs)):
            if waiting[key] <= 0:
                known.pop(key, None)
    return [known[id(one)] for one in model.outputs]


def _nodes(model: Any) -> Iterator[Any]:
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _flat(outputs: Any) -> list[Any]:
    import keras

    return list(keras.tree.flatten(outputs))


def _knows_training(operation: Any) -> bool:
    named = getattr(operation, "_call_context_args", None)  # Keras 3.10 and later
    if named is not None:
        return "training" in named
    return bool(getattr(operation, "_call_has_training_arg", False))
