"""What a cut network holds that no graph could equal, found before any of it is translated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import keras
import numpy as np

from edgefeat_export.columns.refusing import inexact

__all__ = ["LookupSizes", "recorded_sizes", "require_exact"]

LookupSizes = Mapping[str, int]
"""How many words a layer's vocabulary had when the model was saved, by the layer's name."""

_CANNOT: Final[Mapping[str, tuple[str, str]]] = {
    "MelSpectrogram": ("ONNX Runtime 1.20 has no such transform", "Compute it before the network."),
    "STFTSpectrogram": (
        "ONNX Runtime 1.20 has no such transform",
        "Compute it before the network.",
    ),
}
_LOOKUPS: Final = ("StringLookup", "IntegerLookup", "TextVectorization")
_VOCABULARY_FAULT: Final = (
    "Keras loses words with line breaks when it saves a vocabulary that was adapted. Give it the"
    " vocabulary as `vocabulary=[...]`, or take such words out, and train again."
)


def recorded_sizes(config: Any) -> dict[str, int]:
    """Return the sizes of vocabularies that an architecture records, by the layer's name."""
    found: dict[str, int] = {}
    for settings in _settings(config):
        size = settings.get("vocabulary_size")
        if isinstance(size, int) and "name" in settings:
            found[str(settings["name"])] = size
    return found


def require_exact(model: keras.Model, sizes: LookupSizes) -> None:
    """Refuse a network that cannot be written exactly.

    Args:
        model: Flat and cut.
        sizes: What the saved file records of its vocabularies.

    Raises:
        BackboneError: A layer has no translation, lost words of its vocabulary, looks up more words
            than its Embedding has rows, or has weights that are not finite.
    """
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in _CANNOT:
            raise inexact(layer, *_CANNOT[kind])
        if kind in _LOOKUPS:
            _require_whole(layer, sizes)
        _require_finite(layer)
        if isinstance(layer, keras.layers.Embedding):
            _require_room(layer)


def _settings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _settings(item)


def _require_whole(layer: Any, sizes: LookupSizes) -> None:
    saved, loaded = sizes.get(layer.name), layer.vocabulary_size()
    if saved is not None and saved != loaded:
        raise inexact(
            layer,
            f"its vocabulary had {saved} entries when it was saved, and has {loaded} now, so its"
            " words stand at other places",
            _VOCABULARY_FAULT,
        )


def _require_room(layer: Any) -> None:
    """Refuse an Embedding that a lookup in front of it runs over."""
    for node in layer._inbound_nodes:
        for tensor in node.input_tensors:
            source = _source(tensor)
            if type(source).__name__ not in _LOOKUPS or getattr(source, "invert", False):
                continue
            words = source.vocabulary_size()
            if words > layer.input_dim:
                raise inexact(
                    layer,
                    f"it has {layer.input_dim} rows, and {source.name!r} in front of it gives"
                    f" {words} indices",
                    f"Give it input_dim={words}, and train again. {_VOCABULARY_FAULT}",
                )


def _source(tensor: Any) -> Any:
    """Return the layer that computes a tensor, past those that only change its shape."""
    while True:
        operation, node, _ = tensor._keras_history
        if type(operation).__name__ not in ("Flatten", "Reshape", "Squeeze", "ExpandDims"):
            return operation
        (tensor,) = operation._inbound_nodes[node].input_tensors


def _require_finite(layer: Any) -> None:
    for variable in getattr(layer, "variables", ()):
        if not np.issubdtype(np.dtype(variable.dtype), np.floating):
            continue
        values = np.asarray(variable)
        if not np.isfinite(values).all():
            bad = np.count_nonzero(~np.isfinite(values))
            raise inexact(
                layer,
                f"{bad} of the {values.size} numbers of its weight {variable.name!r} are not"
                " finite",
                "Train again: a row whose loss was NaN, such as an empty text under a mask, makes"
                " every weight NaN.",
            )
