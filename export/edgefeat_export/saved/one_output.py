"""Narrows a model of several outputs to the one that is meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from edgefeat.errors import OptionError

__all__ = ["require_known", "with_one_output"]


def with_one_output(model: keras.Model, wanted: str, path: Path) -> keras.Model:
    """Return a functional model with one of its outputs alone.

    Args:
        model: Functional; its outputs may be a list or a dictionary.
        wanted: Key of the output, or name of the layer that gives it.
        path: The model file, for messages.

    Raises:
        OptionError: No output is called so.
    """
    found = dict[str, Any]()
    for keys, tensor in keras.tree.flatten_with_path(model.output):
        layer = str(tensor._keras_history.operation.name)
        found[layer] = tensor
        if keys and isinstance(keys[-1], str):
            found[keys[-1]] = tensor
    require_known(wanted, found, path)
    return keras.Model(model.input, found[wanted], name=model.name)


def require_known(wanted: str, names: Iterable[str], path: Path) -> None:
    """Refuse the name of an output that is not there.

    Args:
        wanted: Name of the output that was asked for.
        names: Names of the outputs that the model has.
        path: The model file, for messages.

    Raises:
        OptionError: No output is called so.
    """
    listed = sorted(names)
    if wanted not in listed:
        raise OptionError(
            f"expected one of its outputs ({', '.join(listed)}), got {wanted!r}",
            where=path,
            option="model_output",
        )
