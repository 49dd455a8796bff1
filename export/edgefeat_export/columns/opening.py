"""Opens a saved model whose inputs are columns: flat, with a layer for each name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edgefeat_export import border
from edgefeat_export.columns.flat import flatten_columns
from edgefeat_export.columns.refusals import LookupSizes, recorded_sizes
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.config import read_architecture
from edgefeat_export.saved.declared_inputs import takes_both, takes_columns
from edgefeat_export.saved.flatten import is_graph
from edgefeat_export.saved.loading import load
from edgefeat_export.saved.opening import MODEL_SUFFIXES
from edgefeat_export.saved.origin import remedy_for

__all__ = ["OpenedTable", "is_multimodal", "is_table", "open_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTable:
    """A saved model for columns.

    Attributes:
        model: Flat and functional, one input a column.
        sizes: What the file records of its vocabularies.
    """

    model: keras.Model
    sizes: LookupSizes


def is_table(name: str) -> bool:
    """Return whether a network is a saved model that takes columns, and no picture.

    Raises:
        BackboneError: The file is damaged.
    """
    path = Path(name)
    if path.suffix not in MODEL_SUFFIXES or not path.is_file():
        return False
    with border.explained("it cannot be opened", where=path, remedy=remedy_for(path)):
        return takes_columns(read_architecture(path).config)


def is_multimodal(name: str) -> bool:
    """Return whether a network is a saved model that takes one picture, and columns beside it.

    Raises:
        BackboneError: The file is damaged.
    """
    path = Path(name)
    if path.suffix not in MODEL_SUFFIXES or not path.is_file():
        return False
    with border.explained("it cannot be opened", where=path, remedy=remedy_for(path)):
        return takes_both(read_architecture(path).config)


def open_table(
    path: Path,
    *,
    name: str,
    allow_code: bool = False,
    code: Path | None = None,
    renamed: Mapping[str, str] | None = None,
) -> OpenedTable:
    """Open a saved model.

    Args:
        path: A `.keras` or `.h5` file.
        name: Name to give the model.
        allow_code: Whether code inside the file may run.
        code: A Python file that defines the model's own classes; it is run.
        renamed: New names of inputs, by their names.

    Raises:
        BackboneError: It cannot be loaded, or its class runs Python of its own.
    """
    found = read_architecture(path)
    _require_no_functions(found.config)
    model = load(path, found, allow_code=allow_code, code=code)
    _require_graph(model, path)
    return OpenedTable(
        model=flatten_columns(model, name, renamed=renamed), sizes=recorded_sizes(found.config)
    )


def _require_no_functions(value: Any) -> None:
    """Refuse a layer with a function as an option before Keras fails to find the function."""
    if isinstance(value, list):
        for item in value:
            _require_no_functions(item)
        return
    if not isinstance(value, dict):
        return
    settings = value.get("config")
    if value.get("class_name") == "TextVectorization" and isinstance(settings, dict):
        for option in ("standardize", "split"):
            if isinstance(settings.get(option), dict):
                raise BackboneError(
                    f"its {option} is a Python function, which no graph can hold",
                    where=f"TextVectorization {settings.get('name')!r}",
                    remedy="Use one of Keras's own names for it, or do that step before the"
                    " network.",
                )
    for item in value.values():
        _require_no_functions(item)


def _require_graph(model: Any, path: Path) -> None:
    if not is_graph(model) and not isinstance(model, keras.utils.FeatureSpace):
        raise BackboneError(
            f"the class {type(model).__name__!r} runs Python of its own, so its layers do not tell"
            " what becomes of a column",
            where=path,
            remedy="Build it as keras.Model(inputs, outputs) of the same layers, and save that.",
        )
