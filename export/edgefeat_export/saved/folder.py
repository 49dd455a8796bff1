"""Opens a SavedModel folder, once its graph is known to compute and do nothing else.

A SavedModel holds no Python, but some operators read and write files or call Python. The check
(`saved.folder_check`) reads the graph as data. Then TensorFlow loads it, with its own parsers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from edgefeat.errors import OptionError
from edgefeat_export.cut.head import Head
from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.folder_check import require_computation
from edgefeat_export.saved.folder_columns import require_no_columns
from edgefeat_export.saved.traced import open_trace
from edgefeat_export.saved.weights_record import WeightsRecord

__all__ = ["open_saved_model", "record_of_folder"]

_GRAPH_FILE: Final = "saved_model.pb"
_SIGNATURES: Final = ("serving_default", "serve")


def open_saved_model(
    folder: Path,
    *,
    name: str,
    size_hw: tuple[int, int] | None,
    layers: Sequence[str] = (),
    signature: str | None = None,
    model_output: str | None = None,
    allow_code: bool,
) -> tuple[keras.Model, Callable[[], Head]]:
    """Return a SavedModel as a flat functional model, and what finds its head.

    Args:
        folder: What `model.export()` or `tf.saved_model.save` wrote.
        name: Name to give the returned model.
        size_hw: Height and width in pixels, where the model leaves them open.
        layers: Names of layers that it will be cut at, which say what picture is meant where it
            takes several.
        signature: Which signature is meant; None takes the default one, or the only one.
        model_output: Which of its outputs is meant; None keeps all.
        allow_code: Whether operators may run that are not known to compute only.

    Raises:
        BackboneError: It is no SavedModel, holds operators that may do more than compute, or its
            signature takes columns or no picture.
    """
    saved = _read(folder)
    require_no_columns(folder, saved, signature or _SIGNATURES[0])
    if not allow_code:
        require_computation(folder, saved)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise BackboneError(
            f"TensorFlow {tf.__version__} cannot open it: {error}",
            where=folder,
            remedy="Export the model again.",
        ) from error
    function = _signature(loaded, folder, signature)
    return open_trace(
        function, folder, name, size_hw=size_hw, layers=layers, model_output=model_output
    )


def record_of_folder(folder: Path) -> WeightsRecord:
    """Return the record of a SavedModel: one hash over its files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return WeightsRecord(
        source=folder.name,
        sha256=digest.hexdigest(),
        licence="unknown",
        origin="SavedModel given by the user",
    )


def _read(folder: Path) -> Any:
    """Return what the folder's file says, as a message of protobuf."""
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString((folder / _GRAPH_FILE).read_bytes())
    except OSError as error:
        raise BackboneError(
            f"expected a SavedModel folder with {_GRAPH_FILE}, got none",
            where=folder,
            remedy="Give the folder that model.export() wrote, or a .keras or .h5 file.",
        ) from error
    except Exception as error:
        # protobuf's DecodeError is a plain Exception whose module differs between its builds.
        if type(error).__name__ != "DecodeError":
            raise
        raise BackboneError(
            f"{_GRAPH_FILE} is damaged", where=folder, remedy="Export the model again."
        ) from error
    return model


def _signature(loaded: Any, folder: Path, wanted: str | None) -> Any:
    known = sorted(loaded.signatures)
    if wanted is not None:
        if wanted not in known:
            raise OptionError(
                f"expected one of its signatures ({', '.join(known) or 'it has none'}),"
                f" got {wanted!r}",
                where=folder,
                option="signature",
            )
        return loaded.signatures[wanted]
    name = next((name for name in (*_SIGNATURES, *known[: len(known) == 1]) if name in known), None)
    if name is not None:
        return loaded.signatures[name]
    raise BackboneError(
        f"expected a signature called {' or '.join(_SIGNATURES)}, got {', '.join(known) or 'none'}",
        where=folder,
        remedy="Name one with {option}." if known else "Write the folder with model.export().",
        option="signature" if known else None,
    )
