"""Finds the classification head of a network: where its features end and its classes begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import keras

from edgefeat_export.errors import BackboneError

__all__ = ["Head", "find_head", "tensors_by_layer"]

_CLASSIFIER_LAYERS: Final = (keras.layers.Dense, keras.layers.Conv2D)
# Dense layers at the end of a classifier, and what stands between them. The cut is made in front.
_PERCEPTRON_LAYERS: Final = (
    keras.layers.Activation,
    keras.layers.ActivityRegularization,
    keras.layers.BatchNormalization,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.Reshape,
    keras.layers.Softmax,
)
_VECTOR_AXES: Final = 2
_CLASS_ACTIVATIONS: Final = ("softmax", "sigmoid")


@dataclass(frozen=True, slots=True)
class Head:
    """Where to cut, and why.

    Attributes:
        layer: Name of the layer whose output becomes the features.
        reason: A phrase for the user, such as "the pooled features before the classifier 'fc'".
    """

    layer: str
    reason: str


def tensors_by_layer(model: keras.Model) -> dict[str, Any]:
    """Return each layer's first output tensor by the layer's name, last layer first.

    Only layers that lie between the model's input and its outputs are there.
    """
    found: dict[str, Any] = {}
    for tensor in _upstream(list(model.outputs)):
        found.setdefault(str(tensor._keras_history.operation.name), tensor)
    return found


def find_head(model: keras.Model) -> Head:
    """Find the last pooled or flattened tensor before the classifier.

    A classifier is the Dense layers at the end, or a 1x1 convolution under a softmax or sigmoid. A
    network without a classifier is kept whole.

    Args:
        model: Functional, with one output.

    Raises:
        BackboneError: The model has more than one output, or nothing comes before its classifier.
    """
    if len(model.outputs) != 1:
        raise BackboneError(
            f"expected one output, from which the head can be found, got {len(model.outputs)}",
            where=model.name,
            remedy="Name the layer to cut at with {option}.",
            option="layers",
        )
    end = model.outputs[0]
    chain = list(_chain(end))
    weighted = next((t for t in chain if isinstance(_layer(t), _CLASSIFIER_LAYERS)), None)
    if weighted is None or not _is_classifier(weighted, chain):
        return Head(_layer(end).name, "it has no classification head, so nothing is cut off")
    last = _layer(weighted).name
    below = chain[chain.index(weighted) + 1 :]
    for tensor in below:
        layer = _layer(tensor)
        if isinstance(layer, (*_PERCEPTRON_LAYERS, keras.layers.InputLayer)):
            continue
        kind = "pooled" if "pool" in type(layer).__name__.lower() else "last"
        kind = "flattened" if isinstance(layer, keras.layers.Flatten) else kind
        return Head(layer.name, f"the {kind} features before the classifier {last!r}")
    raise BackboneError(
        f"nothing comes before the classifier {last!r}, so there are no features to keep",
        where=model.name,
        remedy="Name the layer to cut at with {option}.",
        option="layers",
    )


def _is_classifier(weighted: Any, chain: list[Any]) -> bool:
    layer = _layer(weighted)
    if isinstance(layer, keras.layers.Dense):
        return len(weighted.shape) == _VECTOR_AXES
    if tuple(layer.kernel_size) != (1, 1):
        return False
    after = [_layer(tensor) for tensor in chain[: chain.index(weighted) + 1]]
    return any(
        isinstance(one, keras.layers.Softmax)
        or getattr(getattr(one, "activation", None), "__name__", "") in _CLASS_ACTIVATIONS
        for one in after
    )


def _layer(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _inputs(tensor: Any) -> list[Any]:
    operation, node, _ = tensor._keras_history
    return list(operation._inbound_nodes[node].input_tensors)


def _chain(tensor: Any) -> Iterator[Any]:
    """Yield the tensor and those before it, up to the input or to where branches meet."""
    while True:
        yield tensor
        before = _inputs(tensor)
        if len(before) != 1:
            return
        (tensor,) = before


def _upstream(tensors: list[Any]) -> Iterator[Any]:
    seen: set[int] = set()
    while tensors:
        tensor = tensors.pop(0)
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        yield tensor
        tensors.extend(_inputs(tensor))
