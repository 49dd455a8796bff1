"""A network of columns laid flat: models inside it opened, each input a column of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved import flatten

__all__ = ["columns_of", "flatten_columns"]

_RESERVED: Final = ("features", "unseen")  # outputs of every file
_FLOATS: Final = ("float32", "float64")


def flatten_columns(
    model: Any, name: str, *, renamed: Mapping[str, str] | None = None
) -> keras.Model:
    """Return a functional model of the same layers on new inputs, one a column.

    Args:
        model: Functional or Sequential, or a FeatureSpace.
        name: Name to give the returned model.
        renamed: New names of inputs, by their names.

    Raises:
        BackboneError: An input has an open length, or a name that is taken.
    """
    if isinstance(model, keras.utils.FeatureSpace):
        model = keras.Model(model.get_inputs(), model.get_encoded_features())
    inputs = [
        keras.Input(
            tuple(tensor.shape[1:]), dtype=_dtype(tensor), name=(renamed or {}).get(column, column)
        )
        for column, tensor in _named(model)
    ]
    _check(inputs, name)
    return keras.Model(inputs, flatten.replay(model, inputs, name), name=name)


def columns_of(model: keras.Model) -> list[KerasColumn]:
    """Return the inputs of a flat model as columns, in order."""
    return [
        KerasColumn(
            name=str(tensor._keras_history.operation.name),
            dtype=str(tensor.dtype),
            shape=tuple(int(side) for side in tensor.shape[1:]),
        )
        for tensor in model.inputs
    ]


def _named(model: Any) -> list[tuple[str, Any]]:
    """Return the inputs with the names by which Keras takes them: keys of a dict, or their own."""
    struct = getattr(model, "_inputs_struct", None)
    if isinstance(struct, dict):
        return [(str(key), struct[key]) for key in sorted(struct)]
    return [(str(tensor._keras_history.operation.name), tensor) for tensor in model.inputs]


def _dtype(tensor: Any) -> str:
    """Return the type of an input; numbers of half the bits are taken as float32."""
    dtype = str(tensor.dtype)
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _check(inputs: list[Any], name: str) -> None:
    for tensor in inputs:
        column = str(tensor._keras_history.operation.name)
        if None in tensor.shape[1:]:
            raise BackboneError(
                f"its length is open: {tuple(tensor.shape[1:])}",
                where=f"{name}: input {column!r}",
                remedy="Give the Input a fixed shape, and save the model again.",
            )
        if column in _RESERVED:
            raise BackboneError(
                "every file has an output of this name",
                where=f"{name}: input {column!r}",
                remedy="Give the Input another name, and save the model again.",
            )
