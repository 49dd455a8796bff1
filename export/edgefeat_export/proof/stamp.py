"""Writes the spec into a model, last of all: any later change to the graph breaks the seal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx

from edgefeat.model.file import content_sha256
from edgefeat.model.spec import METADATA_KEY, InputSpec, ModelSpec, OutputSpec, fingerprint
from edgefeat_export.errors import ExportError

__all__ = ["fingerprint_of", "stamp", "temporary_beside"]


def fingerprint_of(
    model: onnx.ModelProto, input_spec: InputSpec, outputs: tuple[OutputSpec, ...]
) -> str:
    """Return the fingerprint a model will carry."""
    return fingerprint(content_sha256(_serialize(model)), input_spec, outputs)


def stamp(model: onnx.ModelProto, spec: ModelSpec, path: Path) -> None:
    """Write the model with its spec as its only metadata.

    Args:
        model: Left as it was.
        spec: What the file says of itself; its fingerprint must be the model's.
        path: Overwritten.
    """
    if fingerprint_of(model, spec.input, spec.outputs) != spec.fingerprint:
        raise ExportError(
            f"{path}: expected the model that was verified, got one changed after it. "
            "Report this: it is a fault of the exporter."
        )
    sealed = onnx.ModelProto()
    sealed.CopyFrom(model)
    del sealed.metadata_props[:]
    entry = sealed.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, spec.to_json()
    try:
        with path.open("wb") as file:
            file.write(_serialize(sealed))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written: {error.strerror}. Free some space, or choose another."
        ) from error


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; what is left there afterwards is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _serialize(model: onnx.ModelProto) -> bytes:
    data: bytes = model.SerializeToString(deterministic=True)
    return data
