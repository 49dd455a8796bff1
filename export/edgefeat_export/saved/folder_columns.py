"""Refuses a SavedModel folder that takes columns: only a `.keras` file keeps what they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tensorflow.core.framework import types_pb2

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.declared_inputs import are_columns

__all__ = ["require_no_columns"]

_MOST_NAMED: Final = 6


def require_no_columns(folder: Path, saved: Any, signature: str) -> None:
    """Refuse a signature that takes columns of a table or texts, and no picture.

    In a folder, vocabularies are operators that read files, and layers are gone.

    Args:
        folder: The folder, for messages.
        saved: What `saved_model.pb` holds, a `SavedModel` message.
        signature: Name of the signature; one that is not there is left to others.

    Raises:
        BackboneError: It takes columns.
    """
    inputs = {
        name: info
        for graph in saved.meta_graphs
        if signature in graph.signature_def
        for name, info in graph.signature_def[signature].inputs.items()
        if not info.tensor_shape.unknown_rank
    }
    if not are_columns([_shape(info) for info in inputs.values()]):
        return
    named = [f"{name} ({_kind(info)})" for name, info in sorted(inputs.items())[:_MOST_NAMED]]
    more = f" and {len(inputs) - _MOST_NAMED} more" if len(inputs) > _MOST_NAMED else ""
    raise BackboneError(
        f"it takes columns, {', '.join(named)}{more}, and a SavedModel folder does not tell their"
        " layers and vocabularies",
        where=folder,
        remedy="Save the network as one file, model.save('NAME.keras'), and build that.",
    )


def _shape(info: Any) -> tuple[int | None, ...]:
    return tuple(None if side.size < 0 else side.size for side in info.tensor_shape.dim)


def _kind(info: Any) -> str:
    return str(types_pb2.DataType.Name(info.dtype)).removeprefix("DT_").lower()
