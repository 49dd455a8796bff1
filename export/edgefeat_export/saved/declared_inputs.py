"""What a saved model takes, read from its architecture as data, before Keras loads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edgefeat_export.saved.config import Config
from edgefeat_export.saved.picture_input import is_picture

__all__ = ["are_columns", "takes_both", "takes_columns"]

_MOST_AXES = 3
"""Batch, steps and numbers: what has more axes is a picture or a volume."""


def takes_columns(config: Config) -> bool:
    """Return whether a model takes columns of a table or texts, and no picture.

    Args:
        config: The architecture inside a `.keras` or `.h5` file.
    """
    if config.get("class_name") == "FeatureSpace":
        return True
    return are_columns(list(_shapes(config)))


def takes_both(config: Config) -> bool:
    """Return whether a model takes one picture, and columns beside it.

    Args:
        config: The architecture inside a `.keras` or `.h5` file.
    """
    shapes = list(_shapes(config))
    others = [shape for shape in shapes if not is_picture(shape)]
    return len(shapes) - len(others) == 1 and are_columns(others)


def are_columns(shapes: Sequence[tuple[int | None, ...]]) -> bool:
    """Return whether inputs of these shapes, batch axis first, are columns, and none a picture."""
    pictures = any(is_picture(shape) for shape in shapes)
    return bool(shapes) and not pictures and all(1 <= len(s) <= _MOST_AXES for s in shapes)


def _shapes(config: Config) -> Iterator[tuple[int | None, ...]]:
    """Yield the shape of each input, batch axis first, as far as the architecture tells it."""
    settings = config["config"]
    layers = settings.get("layers", []) if isinstance(settings, dict) else settings
    layers = [one for one in layers if isinstance(one, dict)] if isinstance(layers, list) else []
    entrances = [one for one in layers if one.get("class_name") == "InputLayer"]
    for layer in entrances:
        shape = _shape_in(layer.get("config"))
        if shape is not None:
            yield shape
    if entrances:
        return
    first = layers[0].get("config") if layers else {}
    built = (config.get("build_config") or {}).get("input_shape")
    shape = _shape_in(first) or _as_shape(built)
    if shape is not None:
        yield shape


def _shape_in(settings: Any) -> tuple[int | None, ...] | None:
    if not isinstance(settings, dict):
        return None
    for key in ("batch_shape", "batch_input_shape"):
        if (shape := _as_shape(settings.get(key))) is not None:
            return shape
    return None


def _as_shape(value: Any) -> tuple[int | None, ...] | None:
    if not isinstance(value, list | tuple):
        return None
    return tuple(value) if all(side is None or isinstance(side, int) for side in value) else None
